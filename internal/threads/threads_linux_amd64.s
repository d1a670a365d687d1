#include "textflag.h"

#define SYS_rt_sigprocmask 14
#define SYS_clone 56
#define SYS_exit 60
#define SYS_futex 202

#define SIG_SETMASK 2
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

// CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_THREAD and
// CLONE_SYSVSEM: those that the runtime uses (cloneFlags in
// runtime/os_linux.go), so that every seccomp filter lets them pass.
#define FLAGS 0x00050f00

// func tryThreads(n uint64) (errno uint64)
//
// The threads share the stack of the thread that starts them and do not touch
// it. All signals are blocked in them, since a handler would use that stack.
// R12 holds how many more to start, R13 the value of the word until they may
// end, BX the address of the word. SYSCALL clobbers AX, CX and R11 only. In a
// plugin and with -linkshared the assembler puts a load of a symbol's address
// before each instruction that names it, also between LOCK and INCL.
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
	LEAQ	·triedThreads(SB), BX
	MOVL	(BX), R13

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
	JLT	refused
	DECQ	R12
	JNE	start
	JMP	release

refused:
	NEGQ	AX
	MOVQ	AX, failed-8(SP)

release:
	LOCK
	INCL	(BX)
	MOVQ	BX, DI
	MOVQ	$FUTEX_WAKE_PRIVATE, SI
	MOVQ	$0x7fffffff, DX
	MOVL	$SYS_futex, AX
	SYSCALL

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
	MOVQ	BX, DI
	MOVQ	$FUTEX_WAIT_PRIVATE, SI
	MOVL	R13, DX
	XORL	R10, R10
	MOVL	$SYS_futex, AX
	SYSCALL
	CMPL	(BX), R13
	JEQ	thread
	XORL	DI, DI
	MOVL	$SYS_exit, AX
	SYSCALL
	INT	$3
