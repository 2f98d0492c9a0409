/* Zephyr's printk, which has no floating point. */
#pragma once
#include <stdio.h>
#define printk printf
