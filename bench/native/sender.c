// SPDX-License-Identifier: MIT
/*
 * The native process of the Unix-socket contender: connects and writes the records that the peer `blast` makes, in
 * large writes into a large socket buffer, until the reader hangs up.
 *
 * usage: sender PATH PAYLOAD_BYTES
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEADER 8u
#define CHUNK (1u << 18)

static int connected(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int size = 1 << 20;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) ? -1 : fd;
}

static size_t fill(uint8_t *chunk, uint32_t payload, uint64_t *index)
{
	const uint32_t header[2] = { payload, 0 };
	size_t used = 0;

	do {
		memcpy(chunk + used, header, sizeof(header));
		memset(chunk + used + HEADER, (uint8_t)*index, payload);
		memcpy(chunk + used + HEADER, index, sizeof(*index));
		used += HEADER + payload;
		++*index;
	} while (used + HEADER + payload <= CHUNK);
	return used;
}

static int write_all(int fd, const uint8_t *from, size_t size)
{
	while (size) {
		ssize_t done = write(fd, from, size);

		if (done <= 0)
			return -1;
		from += done;
		size -= (size_t)done;
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t payload = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	uint64_t index = 0;
	uint8_t *chunk;
	int fd;

	if (payload < 8) {
		fprintf(stderr, "usage: sender PATH PAYLOAD_BYTES(8-)\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	chunk = malloc(CHUNK + HEADER + payload);
	fd = connected(argv[1]);
	if (!chunk || fd < 0) {
		perror("sender");
		return 1;
	}
	while (!write_all(fd, chunk, fill(chunk, payload, &index)))
		;
	return 0;
}
