// Package screen stands between a process whose text is shown and the person
// who reads it, on a terminal or in a pager: the text can't drive the terminal
// ([Visible]), and who takes their time to read keeps nobody waiting ([Spool]).
package screen
