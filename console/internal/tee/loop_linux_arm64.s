#include "textflag.h"

DATA ·loopPC(SB)/8, $·loop(SB)
GLOBL ·loopPC(SB), NOPTR|RODATA, $8

#define SYS_read 63
#define SYS_write 64
#define SYS_ppoll 73
#define SYS_exit_group 94
#define SYS_rt_sigprocmask 135
#define SYS_close_range 436

#define EINTR -4
#define EAGAIN -11
#define EPIPE -32

// What is at R19: three struct pollfd of 8 bytes, and a record.
#define INPUT 0
#define CONTROL 8
#define OUTPUT 16
#define REVENTS 6
#define RECORD 64
#define HEADER 24
#define DATA (RECORD+HEADER)

// loop is all that the process does, from its first instruction; loop_linux.go
// has its descriptors, record.go what it sends. It runs as a copy at another
// address, and so refers to nothing but its stack.
//	R20 bytes, R21 newlines that have been passed on
//	R9 how much is read at once, R10 whether the input comes in packets
//	R11 bytes at DATA that wait for the rest of their line
//	R12 where they are before they are moved there
// SVC spoils R0 only.
TEXT ·loop(SB), NOSPLIT|NOFRAME, $0-0
	SUB	$(65536+8192), RSP, R19

	// A signal to the program's process group must not end this process.
	MOVD	$-1, R0
	MOVD	R0, 0(R19)
	MOVD	$0, R0	// SIG_BLOCK
	MOVD	R19, R1
	MOVD	$0, R2
	MOVD	$8, R3
	MOVD	$SYS_rt_sigprocmask, R8
	SVC

	// Close what the program lets its children inherit.
	MOVD	$4, R0
	MOVD	$0xffffffff, R1
	MOVD	$0, R2
	MOVD	$SYS_close_range, R8
	SVC

	// Before its first variable the stack has argc, an argument and a NULL.
	MOVD	24(RSP), R10
	MOVD	$(4096-HEADER), R9	// one record
	MOVD	$0, R11
	CBZ	R10, ready
	MOVD	$65536, R9	// the longest packet: a page, of whatever size
ready:

	MOVD	$0, R20
	MOVD	$0, R21
	MOVD	$0x100000000, R0	// descriptor 0, POLLIN
	MOVD	R0, INPUT(R19)
	MOVD	$0x100000003, R0	// descriptor 3, POLLIN
	MOVD	R0, CONTROL(R19)
	MOVD	$0x400000001, R0	// descriptor 1, POLLOUT
	MOVD	R0, OUTPUT(R19)

next:
	MOVD	$0, R0
	ADD	$DATA, R19, R1
	ADD	R11, R1
	SUB	R11, R9, R2
	MOVD	$SYS_read, R8
	SVC
	CMP	$0, R0
	BGT	got
	CMP	$EINTR, R0
	BEQ	next
	MOVD	R11, R24
	CBNZ	R11, whole	// nothing more comes for now
	CBZ	R0, end
	CMP	$EAGAIN, R0
	BNE	fail

	ADD	$INPUT, R19, R0
	MOVD	$2, R1
	MOVD	$0, R2
	MOVD	$0, R3
	MOVD	$8, R4
	MOVD	$SYS_ppoll, R8
	SVC
	CMP	$EINTR, R0
	BEQ	next
	CMP	$0, R0
	BLT	fail	// not allowed
	MOVHU	(INPUT+REVENTS)(R19), R3
	CBNZ	R3, next
	MOVHU	(CONTROL+REVENTS)(R19), R3
	CBZ	R3, next

	// The question whether everything has been passed on: it has.
	MOVD	$3, R0
	ADD	$DATA, R19, R1
	MOVD	$1, R2
	MOVD	$SYS_read, R8
	SVC
	MOVD	$0, R24
	MOVBU	DATA(R19), R25
	CMP	$0, R0
	BGT	tell
	MOVW	$-1, R3	// no more questions
	MOVW	R3, CONTROL(R19)
	B	next

got:
	ADD	R11, R0, R24
	// If there was more than this, keep what comes after the last newline, so
	// that lines stay whole.
	CMP	R9, R24
	BLT	whole
	CBNZ	R10, whole
	ADD	$DATA, R19, R3
	ADD	R24, R3, R12
search:
	MOVBU	-1(R12), R4
	CMP	$'\n', R4
	BEQ	cut
	SUB	$1, R12
	CMP	R3, R12
	BHI	search
whole:
	ADD	$DATA, R19, R12
	ADD	R24, R12
cut:
	ADD	$DATA, R19, R22
	SUB	R22, R12, R23	// this is passed on
	SUB	R23, R24, R11
	MOVD	R23, R24
write:
	MOVD	$1, R0
	MOVD	R22, R1
	MOVD	R23, R2
	MOVD	$SYS_write, R8
	SVC
	CMP	$0, R0
	BLT	full
	ADD	R0, R22
	SUBS	R0, R23, R23
	BNE	write
	B	passed
full:
	CMP	$EINTR, R0
	BEQ	write
	CMP	$EPIPE, R0
	BEQ	fail
	CMP	$EAGAIN, R0
	BNE	passed	// lost, as it would have been without this process
	ADD	$OUTPUT, R19, R0
	MOVD	$1, R1
	MOVD	$0, R2
	MOVD	$0, R3
	MOVD	$8, R4
	MOVD	$SYS_ppoll, R8
	SVC
	CMP	$EINTR, R0
	BEQ	write
	CMP	$0, R0
	BGE	write
	B	fail

passed:
	MOVD	$0, R25
	// R24 bytes, or the answer to R25, go into records that the pipe takes whole or
	// not at all. The header of the second takes the place of what was in the
	// first.
tell:
	ADD	$RECORD, R19, R22
record:
	MOVD	R24, R23
	CMP	$(4096-HEADER), R23
	BLE	fits
	MOVD	$(4096-HEADER), R23
fits:
	MOVD	R20, 0(R22)
	MOVD	R21, 8(R22)
	MOVW	R23, 16(R22)
	MOVW	R25, 20(R22)
	MOVD	$2, R0
	MOVD	R22, R1
	ADD	$HEADER, R23, R2
	MOVD	$SYS_write, R8
	SVC
	ADD	R23, R20
	SUB	R23, R24
count:
	CBZ	R23, counted
	MOVBU	HEADER(R22), R3
	CMP	$'\n', R3
	CINC	EQ, R21, R21
	ADD	$1, R22
	SUB	$1, R23
	B	count
counted:
	CBNZ	R24, record

	ADD	$DATA, R19, R22
	MOVD	R11, R23
move:
	CBZ	R23, next
	MOVBU.P	1(R12), R3
	MOVB.P	R3, 1(R22)
	SUB	$1, R23
	B	move

end:
	MOVD	$0, R0
	B	exit
fail:
	MOVD	$1, R0
exit:
	MOVD	$SYS_exit_group, R8
	SVC
	B	exit
