package tee

const machine = 62 // EM_X86_64, elf(5)
