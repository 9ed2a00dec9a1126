# SPDX-License-Identifier: GPL-2.0-or-later
#
# discfs' time divided by each peer's, and what it must not exceed.
# Wants data and out.
n = int(system(sprintf("wc -l < '%s'", data)))
set terminal svg size 900, 120 + 18 * n
set output out
set title "discfs / peer: left of 1 discfs is faster"
set logscale x
set yrange [n - 0.5:-0.5]
set xlabel "ratio"
set grid x
set key outside above horizontal
set arrow from 1, graph 0 to 1, graph 1 nohead
plot data using 2:0:ytic(1) with points pt 7 lc rgb "#3060a0" title "measured", \
     data using 3:0 with points pt 2 lc rgb "#c03030" title "must be at most"
