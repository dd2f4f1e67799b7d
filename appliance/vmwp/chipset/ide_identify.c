/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 512 bytes of IDENTIFY DEVICE and IDENTIFY PACKET DEVICE (ATA/ATAPI-6, 8.15 and 8.16), made from the
 * drive's state.
 */
#include "vmwp/chipset/ide_internal.h"

#include <string.h>

static void put16(uint8_t *sector, unsigned int word, uint64_t value)
{
	sector[2 * word] = (uint8_t)value;
	sector[2 * word + 1] = (uint8_t)(value >> 8);
}

static void put_words(uint8_t *sector, unsigned int word, uint64_t value, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		put16(sector, word + i, value >> (16 * i));
}

/* Space-padded, the two characters of each word swapped. */
static void put_text(uint8_t *sector, unsigned int word, unsigned int words, const char *text)
{
	size_t length = strlen(text);

	for (unsigned int i = 0; i < 2 * words; i++)
		sector[2 * word + (i ^ 1)] = i < length ? (uint8_t)text[i] : ' ';
}

static void put_checksum(uint8_t *sector)
{
	uint8_t sum = 0xa5;

	sector[510] = 0xa5;
	for (unsigned int i = 0; i < 511; i++)
		sum = (uint8_t)(sum + (i == 510 ? 0 : sector[i]));
	sector[511] = (uint8_t)-sum;
}

/* Words common to both: timings, DMA modes and the one that SET FEATURES chose. */
static void put_modes(const struct ide_drive *d, uint8_t *sector)
{
	uint8_t kind = d->dma_mode & 0xf8, mode = d->dma_mode & 0x07;

	put16(sector, 49, 0x0b00);		/* IORDY, LBA, DMA */
	put16(sector, 53, 0x0006);		/* words 64..70 and 88 are valid */
	put16(sector, 63, 0x0007 | (kind == 0x20 ? 0x100u << mode : 0));
	put16(sector, 64, 0x0003);		/* PIO 3 and 4 */
	for (unsigned int word = 65; word <= 68; word++)
		put16(sector, word, 120);	/* ns per cycle */
	put16(sector, 80, 0x0070);		/* ATA/ATAPI-4 to -6 */
	put16(sector, 88, 0x003f | (kind == 0x40 ? 0x100u << mode : 0));
	put16(sector, 93, 0x6001 | 0x0100);	/* an 80-conductor cable; numbered by jumper */
}

static void put_geometry(const struct ide_drive *d, uint8_t *sector, uint64_t sectors)
{
	uint64_t cylinders = sectors / (16 * 63), current = sectors / ((uint64_t)d->heads * d->sectors_per_track);
	uint64_t chs;

	cylinders = cylinders > 16383 ? 16383 : cylinders;
	current = current > 65535 ? 65535 : current;
	chs = current * d->heads * d->sectors_per_track;
	put16(sector, 1, cylinders);
	put16(sector, 3, 16);
	put16(sector, 6, 63);
	put16(sector, 53, 0x0007);
	put16(sector, 54, current);
	put16(sector, 55, d->heads);
	put16(sector, 56, d->sectors_per_track);
	put_words(sector, 57, chs, 2);
}

void ata_identify_disk(const struct ide_drive *d, uint8_t *sector)
{
	uint64_t sectors = d->disk->size_bytes / IDE_SECTOR;

	memset(sector, 0, IDE_SECTOR);
	put_modes(d, sector);
	put_geometry(d, sector, sectors);
	put16(sector, 0, 0x0040);		/* a fixed ATA device */
	put_text(sector, 10, 10, d->serial);
	put_text(sector, 23, 4, "1.0");
	put_text(sector, 27, 20, d->accelerated ? "Virtual HD" : "Partita Virtual Disk");	/* as Hyper-V's: Windows looks */
	put16(sector, 47, 0x8000 | IDE_MULTIPLE_MAX);
	put16(sector, 48, 0x0001);		/* 32-bit data port */
	put16(sector, 50, 0x4000);
	put16(sector, 59, d->multiple ? 0x0100 | d->multiple : 0);
	put_words(sector, 60, sectors > 0x0fffffff ? 0x0fffffff : sectors, 2);
	put16(sector, 82, 0x0020);		/* write cache */
	put16(sector, 83, 0x7400);		/* FLUSH CACHE and FLUSH CACHE EXT, LBA48 */
	put16(sector, 84, 0x4000);
	put16(sector, 85, d->write_cache ? 0x0020 : 0);
	put16(sector, 86, 0x3400);
	put16(sector, 87, 0x4000);
	put_words(sector, 100, sectors, 4);
	put_checksum(sector);
}

void ata_identify_cd(const struct ide_drive *d, uint8_t *sector)
{
	memset(sector, 0, IDE_SECTOR);
	put_modes(d, sector);
	put16(sector, 0, 0x8580);		/* ATAPI, CD-ROM, removable, 12-byte packets, DRQ within 50 us */
	put_text(sector, 10, 10, "1");
	put_text(sector, 23, 4, "1.0");
	put_text(sector, 27, 20, "Partita Virtual DVD-ROM");
	put16(sector, 82, 0x0210);		/* PACKET, DEVICE RESET */
	put16(sector, 83, 0x4000);
	put16(sector, 84, 0x4000);
	put16(sector, 85, 0x0210);
	put16(sector, 87, 0x4000);
	put_checksum(sector);
}
