package corefile

const machine = 183 // EM_AARCH64
