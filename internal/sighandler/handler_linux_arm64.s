//go:build !lazy_ossignal

#include "go_asm.h"
#include "textflag.h"

DATA ·handlerPC(SB)/8, $·handler(SB)
GLOBL ·handlerPC(SB), NOPTR|RODATA, $8

// Where the Go code of this module begins and ends: symbols of the linker.
DATA ·text(SB)/8, $runtime·text(SB)
GLOBL ·text(SB), NOPTR|RODATA, $8
DATA ·etext(SB)/8, $runtime·etext(SB)
GLOBL ·etext(SB), NOPTR|RODATA, $8

#define SYS_fstat 80
#define SYS_getpid 172
#define SYS_gettid 178
#define SYS_tgkill 131
#define SYS_bind 200
#define SYS_listen 201

// siginfo_t, sigaction(2)
#define SI_CODE 8
#define SI_VALUE 24
#define NEG_SI_QUEUE 1 // si_code of a signal from rt_sigqueueinfo and pidfd_send_signal is SI_QUEUE
#define NEG_SI_TKILL 6 // and of one from tgkill SI_TKILL

// struct stat, stat(2)
#define ST_DEV 0
#define ST_INO 8

// ucontext, defs_linux_arm64.go of the runtime
#define UC_PC 440

#define EBADF 9

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
	MOVD	ZR, R25 // 1 if the signal is not for the program

	// Between vfork and exec a child shares this memory.
	MOVD	$SYS_getpid, R8
	SVC
	MOVW	memory_pid(R22), R3
	CMPW	R0, R3
	BNE	call

	MOVW	SI_CODE(R20), R3
	CMNW	$NEG_SI_QUEUE, R3
	BNE	untagged
	MOVD	$const_tag, R4
	MOVD	SI_VALUE(R20), R5
	CMP	R4, R5
	BEQ	tagged
	MOVD	$const_copyTag, R4
	CMP	R4, R5
	BNE	ring
	MOVD	memory_copier(R22), R4
	CBZ	R4, return
	MOVD	R21, R14
	JMP	(R4)

tagged:
	MOVD	$1, R25
	B	ring

untagged:
	// A signal that another thread passed on (below) has rung there already. The
	// thread may get it much later, if it blocks the signal.
	CMNW	$NEG_SI_TKILL, R3
	BNE	ring
	MOVD	$SYS_gettid, R8
	SVC
	ADD	$memory_forwardTo, R22, R3
	ADD	R19<<2, R3
	MOVW	(R3), R3
	CMPW	R0, R3
	BNE	ring
	ADD	$memory_passed, R22, R24
take:
	LDAXRW	(R24), R3
	STLXRW	ZR, (R24), R5
	CBNZ	R5, take
	CBNZW	R3, call

ring:
	// The handler may have stayed for another signal, see Handler.Restore.
	MOVW	memory_sig(R22), R3
	CMPW	R19, R3
	BNE	chain
	MOVD	$const_ringing, R4
again:
	LDAXRW	(R23), R3
	CMPW	$const_Armed, R3
	BNE	chain
	STLXRW	R4, (R23), R5
	CBNZ	R5, again

	// The program may have closed the socket, and got its number for another
	// file.
	MOVW	memory_fd(R22), R0
	ADD	$memory_stat, R22, R1
	MOVD	$SYS_fstat, R8
	SVC
	CBNZ	R0, failed
	MOVD	$-EBADF, R0
	MOVD	(memory_stat+ST_DEV)(R22), R3
	MOVD	memory_dev(R22), R4
	CMP	R3, R4
	BNE	failed
	MOVD	(memory_stat+ST_INO)(R22), R3
	MOVD	memory_ino(R22), R4
	CMP	R3, R4
	BNE	failed

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
	CBNZ	R25, return

	// On a thread that C code started the runtime's handler ends the process,
	// unless the program is notified of the signal (badsignal in
	// runtime/signal_unix.go). See Handler.ChooseThread.
	ADD	$memory_forwardTo, R22, R24
	ADD	R19<<2, R24
	MOVW	(R24), R24
	CBZW	R24, call
	TBNZ	$31, R24, inGo
	MOVD	$SYS_gettid, R8
	SVC
	CMPW	R0, R24
	BEQ	call
	MOVW	$1, R3
	MOVW	R3, memory_passed(R22)
	MOVW	memory_pid(R22), R0
	MOVD	R24, R1
	MOVD	R19, R2
	MOVD	$SYS_tgkill, R8
	SVC
	CBZ	R0, return
	MOVW	ZR, memory_passed(R22)
return:
	RET

inGo:
	MOVD	UC_PC(R21), R3
	MOVD	memory_text(R22), R4
	CMP	R4, R3
	BLO	return
	MOVD	memory_etext(R22), R4
	CMP	R4, R3
	BHS	return

call:
	MOVD	R19, R0
	MOVD	R20, R1
	MOVD	R21, R2
	MOVD	memory_next(R22), R3
	JMP	(R3)
