// This program runs Main of the c-shared library that its argument names.
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv) {
	void *library = dlopen(argv[1], RTLD_NOW);
	void (*run)(void) = library ? (void (*)(void))dlsym(library, "Main") : 0;
	if (!run) {
		printf("error: %s\n", dlerror());
		return 1;
	}
	run();
	return 0;
}
