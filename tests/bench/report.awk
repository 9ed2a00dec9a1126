# SPDX-License-Identifier: GPL-2.0-or-later
#
# What run wrote down, as Markdown, JSON or data for the plot (form=md, json,
# plot).  Lines: row, peer, round, value; and row, peer, "limit" or "skipped",
# text; row, unit, "title", text.

function median(list,    v, n, i, j, t) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) {
			t = v[j]
			v[j] = v[j - 1]
			v[j - 1] = t
		}
	if (n == 0)
		return ""
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

# The least and the greatest of a list.
function spread(list,    v, n, i) {
	n = split(list, v, " ")
	least = greatest = v[1]
	for (i = 2; i <= n; i++) {
		if (v[i] + 0 < least + 0)
			least = v[i]
		if (v[i] + 0 > greatest + 0)
			greatest = v[i]
	}
}

function json_text(s) {
	gsub(/["\\]/, "\\\\&", s)
	return "\"" s "\""
}

function or_else(text, other) {
	return text == "" ? other : text
}

function number(x) {
	if (x >= 1000)
		return sprintf("%.0f", x)
	if (x >= 10)
		return sprintf("%.1f", x)
	return sprintf(x >= 0.1 ? "%.2f" : "%.4f", x)
}

!($1 in seen) {
	seen[$1] = 1
	rows[++n_rows] = $1
}
$3 == "title" { unit[$1] = $2; title[$1] = $4; next }
$3 == "limit" || $3 == "skipped" {
	peers[$1] = peers[$1] " " $2
	if ($3 == "limit")
		limit[$1, $2] = $4
	else
		skipped[$1, $2] = $4
	next
}
{
	values[$1, $2] = values[$1, $2] " " $4
	value[$1, $2, $3] = $4
	if ($3 > rounds[$1])
		rounds[$1] = $3
}

END {
	for (r = 1; r <= n_rows; r++) {
		row = rows[r]
		n = split(peers[row], list, " ")
		for (p = 1; p <= n; p++) {
			peer = list[p]
			ratios = ""
			if (peer == "most") {
				ratio[row, peer] = median(values[row, "discfs"])
				continue
			}
			for (k = 1; k <= rounds[row]; k++)
				if (value[row, peer, k] > 0)
					ratios = ratios " " \
						value[row, "discfs", k] / \
						value[row, peer, k]
			all[row, peer] = ratios
			ratio[row, peer] = median(ratios)
		}
	}
	if (form == "md")
		markdown()
	else if (form == "json")
		json()
	else
		plot()
}

function verdict(row, peer) {
	if (limit[row, peer] == "")
		return ""
	return ratio[row, peer] + 0 <= limit[row, peer] + 0 ? "yes" : "**no**"
}

function markdown(    r, p, n, list, row, peer) {
	print "| row | discfs | peer | its figure | ratio (least, most) | must be | is |"
	print "| --- | ---: | --- | ---: | ---: | ---: | --- |"
	for (r = 1; r <= n_rows; r++) {
		row = rows[r]
		n = split(peers[row], list, " ")
		if (n == 0)
			list[n = 1] = ""
		for (p = 1; p <= n; p++) {
			peer = list[p]
			printf "| %s | %s | ",
				p == 1 ? row ": " title[row] : "",
				p == 1 ? number(median(values[row, "discfs"])) \
					 " " unit[row] : ""
			if (peer == "") {
				print " | | | | |"
				continue
			}
			if ((row, peer) in skipped) {
				printf "%s | skipped: %s | | | |\n", peer,
					skipped[row, peer]
				continue
			}
			if (peer == "most") {
				printf "at most | | | %s %s | %s |\n",
					limit[row, peer], unit[row],
					verdict(row, peer)
				continue
			}
			spread(all[row, peer])
			printf "%s | %s %s | %.2f (%.2f, %.2f) | %s | %s |\n",
				peer, number(median(values[row, peer])),
				unit[row], ratio[row, peer], least, greatest,
				limit[row, peer], verdict(row, peer)
		}
	}
}

function json_list(s) {
	sub(/^ /, "", s)
	gsub(/ /, ", ", s)
	return "[" s "]"
}

function json(    r, p, n, list, row, peer) {
	print "{\"rows\": ["
	for (r = 1; r <= n_rows; r++) {
		row = rows[r]
		n = split(peers[row], list, " ")
		printf "{\"name\": %s, \"title\": %s, \"unit\": %s, ",
			json_text(row), json_text(title[row]),
			json_text(unit[row])
		printf "\"discfs\": %s, \"peers\": [",
			json_list(values[row, "discfs"])
		for (p = 1; p <= n; p++) {
			peer = list[p]
			printf "%s\n {\"name\": %s, ", (p > 1 ? "," : ""),
				json_text(peer)
			if ((row, peer) in skipped)
				printf "\"skipped\": %s}",
					json_text(skipped[row, peer])
			else
				printf "\"values\": %s, \"ratio\": %.4f, " \
					"\"limit\": %s}",
					json_list(values[row, peer]),
					ratio[row, peer],
					or_else(limit[row, peer], "null")
		}
		printf "]}%s\n", (r < n_rows ? "," : "")
	}
	print "]}"
}

function plot(    r, p, n, list, row, peer) {
	for (r = 1; r <= n_rows; r++) {
		row = rows[r]
		n = split(peers[row], list, " ")
		for (p = 1; p <= n; p++) {
			peer = list[p]
			if ((row, peer) in skipped || peer == "most")
				continue
			printf "\"%s / %s\" %.4f %s\n", row, peer,
				ratio[row, peer],
				or_else(limit[row, peer], "NaN")
		}
	}
}
