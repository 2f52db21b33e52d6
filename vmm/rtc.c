// SPDX-License-Identifier: GPL-2.0-only
/*
 * PL031 real-time clock (Arm DDI 0224). The alarm is a register only: the
 * device tree gives it no interrupt, so a guest knows not to wait for one.
 * Lock: rtc_lock, a leaf.
 */
#include <pthread.h>
#include <time.h>

#include "vmm.h"

#define RTC_DR		0x00
#define RTC_MR		0x04
#define RTC_LR		0x08
#define RTC_CR		0x0c
#define RTC_IMSC	0x10
#define RTC_RIS		0x14
#define RTC_MIS		0x18
#define RTC_ICR		0x1c
#define RTC_ID		0xfe0

static pthread_mutex_t rtc_lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t rtc_offset;		/* guest's time minus ours, seconds */
static uint32_t rtc_match;
static uint32_t rtc_mask;

static uint32_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec;
}

uint32_t rtc_read(uint64_t off)
{
	/* Peripheral 0x00041031 and PrimeCell 0xb105f00d, a byte per word. */
	static const uint8_t id[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
	uint32_t val = 0;

	pthread_mutex_lock(&rtc_lock);
	switch (off) {
	case RTC_DR:
		val = now() + rtc_offset;
		break;
	case RTC_MR:
		val = rtc_match;
		break;
	case RTC_LR:
		val = rtc_offset;
		break;
	case RTC_CR:
		val = 1;
		break;
	case RTC_IMSC:
		val = rtc_mask;
		break;
	case RTC_ID ... RTC_ID + 0x1c:
		val = id[(off - RTC_ID) / 4];
		break;
	}
	pthread_mutex_unlock(&rtc_lock);
	return val;
}

void rtc_write(uint64_t off, uint32_t val)
{
	pthread_mutex_lock(&rtc_lock);
	switch (off) {
	case RTC_MR:
		rtc_match = val;
		break;
	case RTC_LR:
		rtc_offset = val - now();
		break;
	case RTC_IMSC:
		rtc_mask = val & 1;
		break;
	}
	pthread_mutex_unlock(&rtc_lock);
}
