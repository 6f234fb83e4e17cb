/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The assembler takes the files in as they are; the Makefile knows that they belong to this one. */
#include "page_parts.h"

#define TEXT_FILE(name, path)                                                                      \
	__asm__(".pushsection .rodata\n"                                                           \
		".global " #name "\n"                                                              \
		".type " #name ", %object\n" #name ":\n"                                           \
		".incbin \"" path "\"\n"                                                           \
		".byte 0\n"                                                                        \
		".size " #name ", . - " #name "\n"                                                 \
		".popsection\n")

TEXT_FILE(page_html, "src/report/page.html");
TEXT_FILE(page_css, "src/report/page.css");
TEXT_FILE(page_js, "src/report/page.js");
