/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/progress_bar.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/quote.h"

#define BLOCK_BYTES UINT64_C(2048)
#define BAR_COLUMNS 20
#define LINE_BYTES 2048
/* A shorter rest of a name says nothing. */
#define FILE_COLUMNS_MIN 8

struct line {
	char *buf;
	size_t size, len; /* bytes, len without the NUL */
	size_t columns, width;
};

static void line_put(struct line *l, const char *text, size_t bytes,
		     size_t columns)
{
	if (l->len + bytes >= l->size || l->columns + columns > l->width)
		return;
	memcpy(l->buf + l->len, text, bytes);
	l->len += bytes;
	l->columns += columns;
	l->buf[l->len] = 0;
}

/* All of @text (ASCII), behind a gap, or nothing. */
static bool line_add(struct line *l, const char *text)
{
	size_t gap = l->columns ? 2 : 0, n = strlen(text);

	if (l->columns + gap + n > l->width)
		return false;
	line_put(l, "  ", gap, gap);
	line_put(l, text, n, n);
	return true;
}

/* A character as the terminal gets it: @ret is what to print. */
static size_t glyph(const char *text, const char **ret, size_t *ret_bytes,
		    size_t *ret_columns)
{
	long code;
	size_t n = quote_next(text, &code);
	int columns = code < 0x20 ? -1 : wcwidth((wchar_t)code);

	*ret = text;
	*ret_bytes = n;
	*ret_columns = (size_t)columns;
	if (columns < 0) {
		*ret = "?";
		*ret_bytes = *ret_columns = 1;
	}
	return n;
}

static size_t name_columns(const char *name)
{
	size_t sum = 0, n, bytes, columns;
	const char *out;

	for (; (n = glyph(name, &out, &bytes, &columns)) > 0; name += n)
		sum += columns;
	return sum;
}

static void line_add_name(struct line *l, const char *name)
{
	size_t gap = l->columns ? 2 : 0, room, n, bytes, columns, all;
	const char *out;

	if (l->columns + gap + FILE_COLUMNS_MIN > l->width)
		return;
	room = l->width - l->columns - gap;
	all = name_columns(name);
	line_put(l, "  ", gap, gap);
	if (all > room) {
		line_put(l, "...", 3, 3);
		for (; all > room - 3 &&
		       (n = glyph(name, &out, &bytes, &columns)) > 0;
		     name += n)
			all -= columns;
	}
	for (; (n = glyph(name, &out, &bytes, &columns)) > 0; name += n)
		line_put(l, out, bytes, columns);
}

static unsigned percent_of(const struct progress *p)
{
	uint64_t done = p->blocks_done, total = p->blocks_total;

	if (done >= total)
		return 100;
	/* Both may be large: the error of this is below one percent. */
	return (unsigned)(total > UINT64_MAX / 100 ? done / (total / 100)
						   : done * 100 / total);
}

static void format_bar(const struct progress *p, char buf[BAR_COLUMNS + 3])
{
	unsigned filled = percent_of(p) * BAR_COLUMNS / 100;

	buf[0] = '[';
	memset(buf + 1, ' ', BAR_COLUMNS);
	memset(buf + 1, '=', filled);
	if (filled < BAR_COLUMNS)
		buf[1 + filled] = '>';
	buf[BAR_COLUMNS + 1] = ']';
	buf[BAR_COLUMNS + 2] = 0;
}

static void format_done(const struct progress *p, char *buf, size_t size)
{
	double done = (double)p->blocks_done * BLOCK_BYTES / 1e6;
	double total = (double)p->blocks_total * BLOCK_BYTES / 1e6;
	int digits = total < 10 ? 1 : 0;

	if (p->blocks_total)
		snprintf(buf, size, "%.*f/%.*f MB", digits, done, digits,
			 total);
	else
		snprintf(buf, size, "%.1f MB", done);
}

static void format_time(uint32_t seconds, char *buf, size_t size)
{
	if (seconds >= 3600)
		snprintf(buf, size, "%u:%02u:%02u", seconds / 3600,
			 seconds / 60 % 60, seconds % 60);
	else
		snprintf(buf, size, "%u:%02u", seconds / 60, seconds % 60);
}

size_t progress_bar_render(const struct progress *p, size_t width, char *buf,
			   size_t size)
{
	struct line l = {.buf = buf, .size = size, .width = width};
	char phase[32], percent[8], bar[BAR_COLUMNS + 3], done[48], speed[32];
	char left[32], wait[64];

	buf[0] = 0;
	/* Of one length, so that the rest stays in place. */
	snprintf(phase, sizeof phase, "%-9.20s", p->phase ? p->phase : "");
	line_add(&l, phase);
	if (p->waits_for && *p->waits_for) {
		snprintf(wait, sizeof wait, "for %s to end", p->waits_for);
		line_add(&l, wait);
	}
	if (p->blocks_total) {
		snprintf(percent, sizeof percent, "%3u%%", percent_of(p));
		format_bar(p, bar);
		if (l.columns + 2 + strlen(bar) + 2 + strlen(percent) <= width)
			line_add(&l, bar);
		line_add(&l, percent);
	}
	if (!p->relative && (p->blocks_done || p->blocks_total)) {
		format_done(p, done, sizeof done);
		line_add(&l, done);
	}
	if (p->bytes_per_second) {
		snprintf(speed, sizeof speed, "%.1f MB/s",
			 (double)p->bytes_per_second / 1e6);
		line_add(&l, speed);
	}
	if (p->seconds_left) {
		format_time(p->seconds_left, left, sizeof left);
		line_add(&l, left);
	}
	if (p->file && *p->file)
		line_add_name(&l, p->file);
	return l.columns;
}

static size_t terminal_width(int fd)
{
	const char *text = getenv("COLUMNS");
	struct winsize ws;
	long columns = 0;

	if (!ioctl(fd, TIOCGWINSZ, &ws))
		columns = ws.ws_col;
	if (columns <= 0 && text)
		columns = strtol(text, NULL, 10);
	if (columns <= 0)
		columns = 80;
	/* The last column makes some terminals wrap. */
	return columns > 1 ? (size_t)columns - 1 : 1;
}

void progress_bar_init(struct progress_bar *bar, FILE *out)
{
	*bar = (struct progress_bar){
		.out = out,
		.shown = isatty(fileno(out)),
	};
}

void progress_bar_draw(struct progress_bar *bar, const struct progress *p)
{
	char line[LINE_BYTES];
	size_t width, columns, blank;

	if (!bar->shown)
		return;
	width = terminal_width(fileno(bar->out));
	columns = progress_bar_render(p, width, line, sizeof line);
	blank = bar->drawn > columns ? bar->drawn - columns : 0;
	if (columns + blank > width)
		blank = width - columns;
	fprintf(bar->out, "\r%s%*s", line, (int)blank, "");
	fflush(bar->out);
	bar->drawn = columns;
}

void progress_bar_clear(struct progress_bar *bar)
{
	if (!bar->shown || !bar->drawn)
		return;
	fprintf(bar->out, "\r%*s\r", (int)bar->drawn, "");
	fflush(bar->out);
	bar->drawn = 0;
}
