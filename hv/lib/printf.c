/* SPDX-License-Identifier: Apache-2.0 */
/* A small vsnprintf: what hv's messages need and nothing else. */
#include <hv/console.h>
#include <hv/string.h>

struct out {
	char *buffer;
	size_t size, length;		/* length counts what did not fit, too */
};

struct spec {
	unsigned int width;
	bool zero, left;
};

static void put(struct out *o, char c)
{
	if (o->length + 1 < o->size)
		o->buffer[o->length] = c;
	o->length++;
}

static void put_padded(struct out *o, const char *text, size_t n, const struct spec *s)
{
	size_t fill = s->width > n ? s->width - n : 0;

	for (size_t i = 0; !s->left && i < fill; i++)
		put(o, s->zero ? '0' : ' ');
	for (size_t i = 0; i < n; i++)
		put(o, text[i]);
	for (size_t i = 0; s->left && i < fill; i++)
		put(o, ' ');
}

static void put_number(struct out *o, uint64_t value, unsigned int base, bool negative, const struct spec *s)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (negative)
		digits[--at] = '-';
	put_padded(o, digits + at, sizeof(digits) - at, s);
}

static void put_signed(struct out *o, int64_t value, const struct spec *s)
{
	put_number(o, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, value < 0, s);
}

static const char *parse_spec(const char *f, struct spec *s)
{
	for (; *f == '-' || *f == '0'; f++) {
		s->left |= *f == '-';
		s->zero |= *f == '0';
	}
	for (; *f >= '0' && *f <= '9'; f++)
		s->width = s->width * 10 + (unsigned int)(*f - '0');
	return f;
}

static const char *put_argument(struct out *o, const char *f, va_list *args)
{
	struct spec s = { 0 };
	unsigned int longs = 0;
	const char *text;

	f = parse_spec(f, &s);
	for (; *f == 'l' || *f == 'z'; f++)
		longs++;
	switch (*f) {
	case 'c':
		put(o, (char)va_arg(*args, int));
		break;
	case 's':
		text = va_arg(*args, const char *);
		put_padded(o, text ? text : "(null)", text ? strlen(text) : 6, &s);
		break;
	case 'd':
		put_signed(o, longs ? va_arg(*args, int64_t) : va_arg(*args, int), &s);
		break;
	case 'u':
		put_number(o, longs ? va_arg(*args, uint64_t) : va_arg(*args, unsigned int), 10, false, &s);
		break;
	case 'x':
		put_number(o, longs ? va_arg(*args, uint64_t) : va_arg(*args, unsigned int), 16, false, &s);
		break;
	case 'p':
		put_number(o, (uintptr_t)va_arg(*args, void *), 16, false, &s);
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

int hv_snprintf(char *buffer, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = hv_vsnprintf(buffer, size, format, args);
	va_end(args);
	return n;
}
