/* SPDX-License-Identifier: Apache-2.0 */
/* A small vsnprintf: what hv's messages need and nothing else. */
#include <hv/console.h>
#include <hv/string.h>

struct out {
	char *buffer;
	size_t size, length;		/* length counts what did not fit, too */
};

static void put(struct out *o, char c)
{
	if (o->length + 1 < o->size)
		o->buffer[o->length] = c;
	o->length++;
}

static void put_text(struct out *o, const char *text)
{
	for (text = text ? text : "(null)"; *text; text++)
		put(o, *text);
}

static void put_number(struct out *o, uint64_t value, unsigned int base, unsigned int digits_at_least)
{
	char digits[24] = { 0 };
	char *at = digits + sizeof(digits) - 1;

	do {
		*--at = "0123456789abcdef"[value % base];
		value /= base;
	} while (at > digits && (value || at > digits + sizeof(digits) - 1 - digits_at_least));
	put_text(o, at);
}

static void put_signed(struct out *o, int64_t value)
{
	if (value < 0)
		put(o, '-');
	put_number(o, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, 0);
}

static const char *put_argument(struct out *o, const char *f, va_list *args)
{
	unsigned int digits = 0, longs = 0;

	for (; *f >= '0' && *f <= '9'; f++)
		digits = (digits * 10 + (unsigned int)(*f - '0')) % 20;
	for (; *f == 'l'; f++)
		longs++;
	switch (*f) {
	case 's':
		put_text(o, va_arg(*args, const char *));
		break;
	case 'd':
		put_signed(o, longs ? va_arg(*args, int64_t) : va_arg(*args, int));
		break;
	case 'u':
	case 'x':
		put_number(o, longs ? va_arg(*args, uint64_t) : va_arg(*args, unsigned int), *f == 'x' ? 16 : 10, digits);
		break;
	case 'p':
		put_number(o, (uintptr_t)va_arg(*args, void *), 16, 0);
		break;
	case 0:
		return f;
	default:
		put(o, *f);
	}
	return f + 1;
}

int hv_vsnprintf(char *buffer, size_t size, const char *format, va_list args)
{
	struct out o = { buffer, size, 0 };
	va_list copy;

	va_copy(copy, args);
	while (*format)
		if (*format == '%')
			format = put_argument(&o, format + 1, &copy);
		else
			put(&o, *format++);
	va_end(copy);
	if (size)
		buffer[o.length < size ? o.length : size - 1] = 0;
	return (int)o.length;
}
