//go:build !lazy_ossignal

#include "go_asm.h"
#include "textflag.h"

DATA ·handlerPC(SB)/8, $·handler(SB)
GLOBL ·handlerPC(SB), NOPTR|RODATA, $8

#define SYS_getpid 172
#define SYS_gettid 178
#define SYS_tgkill 131
#define SYS_bind 200
#define SYS_listen 201

#define NEG_SI_TKILL 6 // si_code of a signal from tgkill is SI_TKILL, sigaction(2)

// The kernel calls this on the thread that gets the signal, at any point of its
// code, with all signals blocked (the runtime's mask):
//	R0 signal, R1 siginfo, R2 ucontext, R30 the return address, which leads to
//	rt_sigreturn.
// rt_sigreturn restores every register, so all may be used. SVC clobbers R0
// only.
TEXT ·handler(SB), NOSPLIT|NOFRAME, $0-0
	MOVD	R0, R19
	MOVD	R1, R20
	MOVD	R2, R21
	MOVD	$·mem(SB), R22
	ADD	$memory_state, R22, R23

	// Between vfork and exec a child shares this memory.
	MOVD	$SYS_getpid, R8
	SVC
	MOVW	memory_pid(R22), R3
	CMPW	R0, R3
	BNE	chain

	// A signal that another thread passed on (below) has rung there already. The
	// main thread may get it much later, if it blocks the signal.
	MOVW	8(R20), R3
	CMNW	$NEG_SI_TKILL, R3
	BNE	ring
	MOVD	$SYS_gettid, R8
	SVC
	MOVW	memory_pid(R22), R3
	CMPW	R0, R3
	BNE	ring
	ADD	$memory_passed, R22, R24
take:
	LDAXRW	(R24), R3
	STLXRW	ZR, (R24), R5
	CBNZ	R5, take
	CBNZW	R3, chain

ring:
	MOVD	$const_ringing, R4
again:
	LDAXRW	(R23), R3
	CMPW	$const_Armed, R3
	BNE	chain
	STLXRW	R4, (R23), R5
	CBNZ	R5, again

	MOVW	memory_fd(R22), R0
	ADD	$memory_addr, R22, R1
	MOVWU	memory_addrLen(R22), R2
	MOVD	$SYS_bind, R8
	SVC
	CBNZ	R0, failed

	MOVW	memory_fd(R22), R0
	MOVD	$const_backlog, R1
	MOVD	$SYS_listen, R8
	SVC
	CBNZ	R0, failed

	MOVD	$const_Open, R4
	STLRW	R4, (R23)
	JMP	chain

failed:
	NEG	R0, R0
	MOVW	R0, memory_errno(R22)
	MOVD	$const_Failed, R4
	STLRW	R4, (R23)

chain:
	// On a thread that C code started the runtime's handler ends the process
	// unless signal.Notify asked for the signal (badsignal in
	// runtime/signal_unix.go). So it is called on the main thread.
	MOVWU	memory_forward(R22), R3
	CBZ	R3, call
	MOVD	$SYS_getpid, R8
	SVC
	MOVD	R0, R24
	MOVD	$SYS_gettid, R8
	SVC
	CMPW	R0, R24
	BEQ	call
	MOVW	$1, R3
	MOVW	R3, memory_passed(R22)
	MOVD	R24, R0
	MOVD	R24, R1
	MOVD	R19, R2
	MOVD	$SYS_tgkill, R8
	SVC
	CBZ	R0, passed
	MOVW	ZR, memory_passed(R22)
passed:
	RET

call:
	MOVD	R19, R0
	MOVD	R20, R1
	MOVD	R21, R2
	MOVD	memory_next(R22), R3
	JMP	(R3)
