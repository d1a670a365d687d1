//go:build !lazy_ossignal

#include "go_asm.h"
#include "textflag.h"

DATA ·handlerPC(SB)/8, $·handler(SB)
GLOBL ·handlerPC(SB), NOPTR|RODATA, $8

#define SYS_getpid 39
#define SYS_gettid 186
#define SYS_tgkill 234
#define SYS_bind 49
#define SYS_listen 50

#define SI_TKILL -6 // si_code of a signal from tgkill, sigaction(2)

// The kernel calls this on the thread that gets the signal, at any point of its
// code, with all signals blocked (the runtime's mask):
//	DI signal, SI siginfo, DX ucontext, 0(SP) the return address, which leads to rt_sigreturn.
// rt_sigreturn restores every register, so all may be used. SYSCALL
// clobbers AX, CX and R11 only.
TEXT ·handler(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ	DI, R12
	MOVQ	SI, R13
	MOVQ	DX, R14
	LEAQ	·mem(SB), BX

	// Between vfork and exec a child shares this memory.
	MOVL	$SYS_getpid, AX
	SYSCALL
	CMPL	AX, memory_pid(BX)
	JNE	chain

	// A signal that another thread passed on (below) has rung there already. The
	// main thread may get it much later, if it blocks the signal.
	CMPL	8(R13), $SI_TKILL
	JNE	ring
	MOVL	$SYS_gettid, AX
	SYSCALL
	CMPL	AX, memory_pid(BX)
	JNE	ring
	XORL	AX, AX
	XCHGL	AX, memory_passed(BX)
	TESTL	AX, AX
	JNE	chain

ring:
	MOVL	$const_Armed, AX
	MOVL	$const_ringing, CX
	LOCK
	CMPXCHGL	CX, memory_state(BX)
	JNE	chain

	MOVL	memory_fd(BX), DI
	LEAQ	memory_addr(BX), SI
	MOVL	memory_addrLen(BX), DX
	MOVL	$SYS_bind, AX
	SYSCALL
	TESTQ	AX, AX
	JNE	failed

	MOVL	memory_fd(BX), DI
	MOVL	$const_backlog, SI
	MOVL	$SYS_listen, AX
	SYSCALL
	TESTQ	AX, AX
	JNE	failed

	MOVL	$const_Open, memory_state(BX)
	JMP	chain

failed:
	NEGQ	AX
	MOVL	AX, memory_errno(BX)
	MOVL	$const_Failed, memory_state(BX)

chain:
	// On a thread that C code started the runtime's handler ends the process
	// unless signal.Notify asked for the signal (badsignal in
	// runtime/signal_unix.go). So it is called on the main thread.
	CMPL	memory_forward(BX), $0
	JEQ	call
	MOVL	$SYS_getpid, AX
	SYSCALL
	MOVL	AX, DI
	MOVL	$SYS_gettid, AX
	SYSCALL
	CMPL	AX, DI
	JEQ	call
	MOVL	$1, memory_passed(BX)
	MOVL	DI, SI
	MOVL	R12, DX
	MOVL	$SYS_tgkill, AX
	SYSCALL
	TESTQ	AX, AX
	JEQ	passed
	MOVL	$0, memory_passed(BX)
passed:
	RET

call:
	MOVQ	R12, DI
	MOVQ	R13, SI
	MOVQ	R14, DX
	MOVQ	memory_next(BX), AX
	JMP	AX
