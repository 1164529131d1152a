/* The loader, from C. */
#include "loader.h"

int main(int argc, char **argv) { return argc == 2 ? use_the_loader(argv[1]) : 9; }
