package tee

const machine = 183 // EM_AARCH64, elf(5)
