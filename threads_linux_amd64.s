#include "textflag.h"

#define SYS_rt_sigprocmask 14
#define SYS_clone 56
#define SYS_exit 60

#define SIG_SETMASK 2

// CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_THREAD and
// CLONE_SYSVSEM, as for every thread, and CLONE_VFORK: whoever starts one waits
// until it has ended, so all of them can do with one stack, and take turns.
#define FLAGS 0x00054f00

// func tryThreads(n uint64) (errno uint64)
//
// No signal may come to a thread that the runtime does not know of. What is
// kept over system calls is in R12 (how many more to start) and R13 (n, by
// which the first is told from the others). SYSCALL spoils AX, CX and R11 only.
TEXT ·tryThreads(SB), NOSPLIT, $24-16
	MOVQ	$0, failed-8(SP)
	MOVQ	$-1, all-16(SP)
	MOVQ	$SIG_SETMASK, DI
	LEAQ	all-16(SP), SI
	LEAQ	old-24(SP), DX
	MOVQ	$8, R10
	MOVL	$SYS_rt_sigprocmask, AX
	SYSCALL

	MOVQ	n+0(FP), R12
	MOVQ	R12, R13

start:
	MOVQ	$FLAGS, DI
	XORL	SI, SI
	XORL	DX, DX
	XORL	R10, R10
	XORL	R8, R8
	MOVL	$SYS_clone, AX
	SYSCALL
	TESTQ	AX, AX
	JEQ	thread
	JGT	ended
	NEGQ	AX
	MOVQ	AX, failed-8(SP)

ended:
	CMPQ	R12, R13
	JNE	exit
	MOVQ	$SIG_SETMASK, DI
	LEAQ	old-24(SP), SI
	XORL	DX, DX
	MOVQ	$8, R10
	MOVL	$SYS_rt_sigprocmask, AX
	SYSCALL
	MOVQ	failed-8(SP), AX
	MOVQ	AX, errno+8(FP)
	RET

thread:
	DECQ	R12
	JNE	start

exit:
	XORL	DI, DI
	MOVL	$SYS_exit, AX
	SYSCALL
	INT	$3
