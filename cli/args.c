/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/args.h"

#include <assert.h>
#include <getopt.h>

/* What getopt_long returns for the long option number i: no letter. */
enum { LONG_FIRST = 256, LONG_HELP = LONG_FIRST + ARGS_OPTIONS_MAX };

struct table {
	const struct args_option *options;
	int n;
	struct option longs[ARGS_OPTIONS_MAX + 2];
	char letters[2 * ARGS_OPTIONS_MAX + 4];
};

static void make_table(struct table *t, const struct args_option *options)
{
	struct option *l = t->longs;
	char *p = t->letters;

	*t = (struct table){.options = options};
	/* Words are told in order, whatever the environment says. */
	*p++ = '-';
	*p++ = ':';
	*p++ = 'h';
	*l++ = (struct option){"help", no_argument, NULL, LONG_HELP};
	for (; options[t->n].name || options[t->n].letter; t->n++) {
		const struct args_option *o = &options[t->n];
		bool has_value = o->value || o->list;

		assert(t->n < ARGS_OPTIONS_MAX);
		if (o->name)
			*l++ = (struct option){o->name,
					       has_value ? required_argument
							 : no_argument,
					       NULL, LONG_FIRST + t->n};
		if (o->letter)
			*p++ = o->letter;
		if (o->letter && has_value)
			*p++ = ':';
	}
}

static const struct args_option *find(const struct table *t, int got)
{
	for (int i = 0; i < t->n; i++)
		if (got == t->options[i].letter || got == LONG_FIRST + i)
			return &t->options[i];
	return NULL;
}

static int bad_option(const struct command *self, int got, char **argv)
{
	const char *word = argv[optind - 1];

	if (got == ':')
		return command_misuse(self, "%s needs a value", word);
	if (optopt >= LONG_FIRST)
		return command_misuse(self, "%s: it has no value", word);
	if (optopt)
		return command_misuse(self, "unknown option -%c", optopt);
	return command_misuse(self, "unknown option %s", word);
}

/* 0, or the exit code. */
static int take(const struct command *self, const struct args_option *o)
{
	if (o->flag)
		*o->flag = true;
	if (o->value)
		*o->value = optarg;
	if (!o->list)
		return 0;
	if (o->list->n == ARGS_LIST_MAX)
		return command_misuse(self, "too many -%c", o->letter);
	o->list->texts[o->list->n++] = optarg;
	return 0;
}

/* 0, or the exit code after what was wrong with the @n words. */
static int check_words(const struct command *self, char **words, int n,
		       const char *const *needed, int more)
{
	int least = 0;

	for (; needed[least]; least++)
		if (least == n)
			return command_misuse(self, "%s", needed[least]);
	if (n - least > more)
		return command_misuse(self, "%s: too many arguments",
				      words[least + more]);
	return 0;
}

int args_parse(const struct command *self, int argc, char **argv,
	       const struct args_option *options, const char *const *needed,
	       int more, int *ret_code)
{
	struct table t;
	int got, n = 0, code = 0;

	make_table(&t, options);
	opterr = 0;
	optind = 0;
	while (!code && (got = getopt_long(argc, argv, t.letters, t.longs,
					   NULL)) != -1) {
		const struct args_option *o = find(&t, got);

		if (got == 'h' || got == LONG_HELP) {
			*ret_code = command_help(self);
			return -1;
		}
		if (got == 1)
			argv[n++] = optarg;
		else
			code = o ? take(self, o) : bad_option(self, got, argv);
	}
	while (!code && optind < argc)
		argv[n++] = argv[optind++];
	if (!code)
		code = check_words(self, argv, n, needed, more);
	if (!code)
		return n;
	*ret_code = code;
	return -1;
}
