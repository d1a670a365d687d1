#include "textflag.h"

// func address(which int) uintptr
TEXT ·address(SB), NOSPLIT, $0-16
	MOVQ	which+0(FP), CX
	MOVQ	$runtime·noptrdata(SB), AX
	CMPQ	CX, $0
	JEQ	done
	MOVQ	$runtime·enoptrdata(SB), AX
	CMPQ	CX, $1
	JEQ	done
	MOVQ	$runtime·data(SB), AX
	CMPQ	CX, $2
	JEQ	done
	MOVQ	$runtime·edata(SB), AX
	CMPQ	CX, $3
	JEQ	done
	MOVQ	$runtime·bss(SB), AX
	CMPQ	CX, $4
	JEQ	done
	MOVQ	$runtime·ebss(SB), AX
	CMPQ	CX, $5
	JEQ	done
	MOVQ	$runtime·noptrbss(SB), AX
	CMPQ	CX, $6
	JEQ	done
	MOVQ	$runtime·enoptrbss(SB), AX
done:
	MOVQ	AX, ret+8(FP)
	RET
