#include "textflag.h"

DATA ·loopPC(SB)/8, $·loop(SB)
GLOBL ·loopPC(SB), NOPTR|RODATA, $8

#define SYS_read 0
#define SYS_write 1
#define SYS_rt_sigprocmask 14
#define SYS_exit_group 231
#define SYS_ppoll 271
#define SYS_close_range 436

#define EINTR -4
#define EAGAIN -11
#define EPIPE -32

// What is at BX: three struct pollfd of 8 bytes, three numbers, and a record.
#define INPUT 0
#define CONTROL 8
#define OUTPUT 16
#define REVENTS 6
#define PACKETS 24	// not 0 if the input comes in packets
#define KEPT 32		// how many bytes at DATA wait for the rest of their line
#define FROM 40		// where they are before they are moved there
#define RECORD 64
#define HEADER 24
#define DATA (RECORD+HEADER)

// loop is all that the process does, from its first instruction; loop_linux.go
// has its descriptors, record.go what it sends. It runs as a copy at another
// address, and so refers to nothing but its stack.
//	R12 bytes, R13 newlines that have been passed on
// SYSCALL spoils AX, CX and R11 only.
TEXT ·loop(SB), NOSPLIT|NOFRAME, $0-0
	LEAQ	-8192(SP), BX

	// A signal to the program's process group must not end this process.
	MOVQ	$-1, AX
	MOVQ	AX, 0(BX)
	MOVL	$SYS_rt_sigprocmask, AX
	XORL	DI, DI	// SIG_BLOCK
	MOVQ	BX, SI
	XORL	DX, DX
	MOVL	$8, R10
	SYSCALL

	// Close what the program lets its children inherit.
	MOVL	$SYS_close_range, AX
	MOVL	$4, DI
	MOVL	$-1, SI
	XORL	DX, DX
	SYSCALL

	// Before its first variable the stack has argc, an argument and a NULL.
	MOVQ	24(SP), AX
	MOVQ	AX, PACKETS(BX)
	MOVQ	$0, KEPT(BX)

	XORL	R12, R12
	XORL	R13, R13
	MOVQ	$0x100000000, AX	// descriptor 0, POLLIN
	MOVQ	AX, INPUT(BX)
	MOVQ	$0x100000003, AX	// descriptor 3, POLLIN
	MOVQ	AX, CONTROL(BX)
	MOVQ	$0x400000001, AX	// descriptor 1, POLLOUT
	MOVQ	AX, OUTPUT(BX)

next:
	MOVL	$SYS_read, AX
	XORL	DI, DI
	MOVQ	KEPT(BX), R9
	LEAQ	DATA(BX)(R9*1), SI
	MOVL	$4096, DX	// the longest packet: a page
	CMPQ	PACKETS(BX), $0
	JNE	read
	MOVL	$(4096-HEADER), DX	// one record
	SUBQ	R9, DX
read:
	SYSCALL
	TESTQ	AX, AX
	JGT	got
	CMPQ	AX, $EINTR
	JEQ	next
	TESTQ	R9, R9
	JNE	whole	// nothing more comes for now
	TESTQ	AX, AX
	JEQ	end
	CMPQ	AX, $EAGAIN
	JNE	fail

	MOVL	$SYS_ppoll, AX
	LEAQ	INPUT(BX), DI
	MOVL	$2, SI
	XORL	DX, DX
	XORL	R10, R10
	MOVL	$8, R8
	SYSCALL
	CMPQ	AX, $EINTR
	JEQ	next
	TESTQ	AX, AX
	JLT	fail	// not allowed
	CMPW	(INPUT+REVENTS)(BX), $0
	JNE	next
	CMPW	(CONTROL+REVENTS)(BX), $0
	JEQ	next

	// The question whether everything has been passed on: it has.
	MOVL	$SYS_read, AX
	MOVL	$3, DI
	LEAQ	DATA(BX), SI
	MOVL	$1, DX
	SYSCALL
	XORL	R9, R9
	MOVBLZX	DATA(BX), R8
	TESTQ	AX, AX
	JGT	tell
	MOVL	$-1, CONTROL(BX)	// no more questions
	JMP	next

got:
	ADDQ	AX, R9
	// If there was more than this, keep what comes after the last newline, so
	// that lines stay whole.
	CMPQ	R9, $(4096-HEADER)
	JLT	whole
	CMPQ	PACKETS(BX), $0
	JNE	whole
	LEAQ	DATA(BX), CX
	LEAQ	DATA(BX)(R9*1), R14
search:
	CMPB	-1(R14), $'\n'
	JEQ	cut
	DECQ	R14
	CMPQ	R14, CX
	JHI	search
whole:
	LEAQ	DATA(BX)(R9*1), R14
cut:
	MOVQ	R14, FROM(BX)
	LEAQ	DATA(BX), AX
	SUBQ	AX, R14	// this is passed on
	SUBQ	R14, R9
	MOVQ	R9, KEPT(BX)
	MOVQ	R14, R9
	MOVQ	R14, R15
	LEAQ	DATA(BX), R14
write:
	MOVL	$SYS_write, AX
	MOVL	$1, DI
	MOVQ	R14, SI
	MOVQ	R15, DX
	SYSCALL
	TESTQ	AX, AX
	JLT	full
	ADDQ	AX, R14
	SUBQ	AX, R15
	JNE	write
	JMP	passed
full:
	CMPQ	AX, $EINTR
	JEQ	write
	CMPQ	AX, $EPIPE
	JEQ	fail
	CMPQ	AX, $EAGAIN
	JNE	passed	// lost, as it would have been without this process
	MOVL	$SYS_ppoll, AX
	LEAQ	OUTPUT(BX), DI
	MOVL	$1, SI
	XORL	DX, DX
	XORL	R10, R10
	MOVL	$8, R8
	SYSCALL
	CMPQ	AX, $EINTR
	JEQ	write
	TESTQ	AX, AX
	JGE	write
	JMP	fail

passed:
	XORL	R8, R8
	// R9 bytes, or the answer to R8, go into records that the pipe takes whole or
	// not at all. The header of the second takes the place of what was in the
	// first.
tell:
	LEAQ	RECORD(BX), R14
record:
	MOVQ	R9, R15
	CMPQ	R15, $(4096-HEADER)
	JLE	fits
	MOVL	$(4096-HEADER), R15
fits:
	MOVQ	R12, 0(R14)
	MOVQ	R13, 8(R14)
	MOVL	R15, 16(R14)
	MOVL	R8, 20(R14)
	MOVL	$SYS_write, AX
	MOVL	$2, DI
	MOVQ	R14, SI
	LEAQ	HEADER(R15), DX
	SYSCALL
	ADDQ	R15, R12
	SUBQ	R15, R9
count:
	TESTQ	R15, R15
	JEQ	counted
	XORL	AX, AX
	CMPB	HEADER(R14), $'\n'
	SETEQ	AX
	ADDQ	AX, R13
	INCQ	R14
	DECQ	R15
	JMP	count
counted:
	TESTQ	R9, R9
	JNE	record

	MOVQ	FROM(BX), SI
	LEAQ	DATA(BX), DI
	MOVQ	KEPT(BX), CX
	CLD
	REP;	MOVSB
	JMP	next

end:
	XORL	DI, DI
	JMP	exit
fail:
	MOVL	$1, DI
exit:
	MOVL	$SYS_exit_group, AX
	SYSCALL
	JMP	exit
