//go:build (amd64 || arm64) && !go1.28

#include "textflag.h"

// Symbols of the linker: where the code of this module is, and its variables that
// have pointers and begin as zero.
DATA ·bounds+0(SB)/8, $runtime·text(SB)
DATA ·bounds+8(SB)/8, $runtime·etext(SB)
DATA ·bounds+16(SB)/8, $runtime·bss(SB)
DATA ·bounds+24(SB)/8, $runtime·ebss(SB)
GLOBL ·bounds(SB), NOPTR|RODATA, $32
