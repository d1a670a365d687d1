// This program runs Main of the c-archive that it is linked with.
void Main(void);

int main(void) {
	Main();
	return 0;
}
