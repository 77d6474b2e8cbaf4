# The native side of the tests of NAME, which is the ring's or the frames', all in build/: make all, or golden, which
# needs no clang.
ROOT := ../../..
HEADERS := $(wildcard *.h ../shared/*.h $(ROOT)/drivers/include/pendshare/*.h)
NODE_INCLUDE ?= $(firstword $(wildcard $(ROOT)/node_modules/node/node_modules/node-*/include/node))
CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -pthread
ASAN := -fsanitize=address,undefined -fno-sanitize-recover=all

.PHONY: all golden clean
all: $(addprefix build/,golden race race-asan race-tsan hostile fuzz $(NAME).node)
golden: build/golden

build:
	mkdir -p $@

build/golden: golden.c $(HEADERS) | build
	$(CC) $(CFLAGS) $(ASAN) -o $@ $<

build/race: race.c $(HEADERS) | build
	$(CC) $(CFLAGS) -o $@ $<

build/race-asan: race.c $(HEADERS) | build
	$(CC) $(CFLAGS) $(ASAN) -o $@ $<

# Of the two compilers only clang's ThreadSanitizer takes fences without a warning.
build/race-tsan: race.c $(HEADERS) | build
	clang $(CFLAGS) -fsanitize=thread -o $@ $<

build/hostile: hostile.c $(HEADERS) | build
	$(CC) $(CFLAGS) $(ASAN) -DSTANDALONE -o $@ $<

build/fuzz: hostile.c $(HEADERS) | build
	clang $(CFLAGS) $(ASAN) -fsanitize=fuzzer -o $@ $<

build/$(NAME).node: addon.c $(HEADERS) | build
	$(CC) $(CFLAGS) -fPIC -shared -DNODE_GYP_MODULE_NAME=$(NAME) -DNAPI_VERSION=8 \
		-isystem $(NODE_INCLUDE) -o $@ $<

clean:
	rm -rf build
