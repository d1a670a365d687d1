#include "textflag.h"

// func address(which int) uintptr
TEXT ·address(SB), NOSPLIT, $0-16
	MOVD	which+0(FP), R1
	MOVD	$runtime·noptrdata(SB), R0
	CMP	$0, R1
	BEQ	done
	MOVD	$runtime·enoptrdata(SB), R0
	CMP	$1, R1
	BEQ	done
	MOVD	$runtime·data(SB), R0
	CMP	$2, R1
	BEQ	done
	MOVD	$runtime·edata(SB), R0
	CMP	$3, R1
	BEQ	done
	MOVD	$runtime·bss(SB), R0
	CMP	$4, R1
	BEQ	done
	MOVD	$runtime·ebss(SB), R0
	CMP	$5, R1
	BEQ	done
	MOVD	$runtime·noptrbss(SB), R0
	CMP	$6, R1
	BEQ	done
	MOVD	$runtime·enoptrbss(SB), R0
done:
	MOVD	R0, ret+8(FP)
	RET
