// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Draws the report from the figures in the element "data" (page_data.c writes them). Whatever comes
// from there becomes text, never markup.
"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const TICK_MS = 64e-6;
const ROWS_AT_FIRST = 200;
const DRAWN_MOST = 100; // pairs at once: a browser takes 10 to 40 ms for each
const HEIGHT = 260, LOW_HEIGHT = 170, LEFT = 62, RIGHT = 12, TOP = 10, BOTTOM = 36;

// ---- elements

function make(space, name, attributes, children) {
	const element = space ? document.createElementNS(space, name) : document.createElement(name);
	for (const [key, value] of Object.entries(attributes || {}))
		if (typeof value === "function")
			element.addEventListener(key, value);
		else if (value !== undefined && value !== false)
			element.setAttribute(key, value === true ? "" : value);
	element.append(...children);
	return element;
}
const html = (name, attributes, ...children) => make(null, name, attributes, children);
const svg = (name, attributes, ...children) => make("http://www.w3.org/2000/svg", name, attributes, children);
const byId = (id) => document.getElementById(id);

// ---- numbers as people read them

const whole = (n) => n.toLocaleString("en-US");
const ms = (value) => value === undefined ? "\u2013" : value.toFixed(3);
const seconds = (us) => (us / 1e6).toFixed(3);
const share = (part) => (100 * part).toFixed(part < 0.001 ? 4 : 2) + " %";
const short = (value) => String(+value.toPrecision(3));

function clock(us) {
	const at = data.first_us + us, second = new Date(Math.floor(at / 1e6) * 1000).toISOString();
	return second.slice(11, 19) + "." + String(at % 1e6).padStart(6, "0");
}

// ---- the data, unpacked

// Lower end of a bucket of the drawing, in ms: histogram.c has 64 buckets for each power of two,
// four of which are one here.
function bucketFrom(drawn) {
	const index = 4 * drawn, shift = index < 128 ? 0 : Math.floor(index / 64) - 1;
	return (index - 64 * shift) * 2 ** shift * TICK_MS;
}

function bucketsOf(series) {
	const buckets = [];
	let drawn = 0, below = 0;
	for (let i = 0; i < (series.dist || []).length; i += 2) {
		drawn += series.dist[i];
		below += series.dist[i + 1];
		buckets.push({from: bucketFrom(drawn), to: bucketFrom(drawn + 1), n: series.dist[i + 1],
			below: below / series.n, share: series.dist[i + 1] / series.n});
	}
	return buckets;
}

function pointsOf(pair) {
	const points = [];
	let us = 0, frame = 0;
	for (let i = 0; i < pair.points.length; i += 5) {
		us += pair.points[i];
		frame += pair.points[i + 1];
		points.push({us, frame, ms: pair.points[i + 2] * TICK_MS, row: pair.rows[pair.points[i + 3]],
			again: pair.points[i + 4]});
	}
	return points;
}

const nameOf = (pair) => `${pair.src} \u2192 ${pair.dst}` + (pair.in ? " (data that arrives)" : "");

// ---- tables

function order(column, down) {
	const key = (row) => column.value(row);
	return (a, b) => {
		const x = key(a), y = key(b);
		if (x === y)
			return 0;
		if (x === undefined || y === undefined)
			return x === undefined ? 1 : -1;
		return (typeof x === "string" ? x.localeCompare(y, "en", {numeric: true}) : x - y) * (down ? -1 : 1);
	};
}

// A table that sorts by the column whose head is pressed: columns are {name, title, value, show, text}.
function table(caption, columns, rows, more) {
	let sorted = null, down = false, limit = ROWS_AT_FIRST, wanted = () => true;
	const body = html("tbody"), rest = html("p");
	const heads = columns.map((column) => html("th", {scope: "col", class: column.text && "text", title: column.title},
		html("button", {type: "button", click: () => sortBy(column)}, column.name)));

	function cell(column, row) {
		return html("td", {class: column.text && "text"},
			column.pick ? html("button", {type: "button", click: () => column.pick(row)}, column.show(row))
				: column.show(row));
	}

	function fill() {
		let shown = rows.filter(wanted);
		const count = shown.length;
		if (sorted)
			shown.sort(order(sorted, down));
		shown = shown.slice(0, limit);
		body.replaceChildren(...shown.map((row) => html("tr", {class: more.chosen && more.chosen(row) && "chosen"},
			...columns.map((column) => cell(column, row)))));
		rest.replaceChildren();
		if (count > limit)
			rest.append(html("button", {type: "button", class: "more", click: () => {
				limit = Infinity;
				fill();
			}}, `show all ${whole(count)} rows`));
		heads.forEach((head, i) => head.setAttribute("aria-sort",
			columns[i] !== sorted ? "none" : down ? "descending" : "ascending"));
	}

	function sortBy(column) {
		down = sorted === column ? !down : !column.text;
		sorted = column;
		fill();
	}

	fill();
	return {
		element: html("div", {}, html("div", {class: "wide", tabindex: 0, role: "region", "aria-label": caption},
			html("table", {}, html("caption", {}, caption), html("thead", {}, html("tr", {}, ...heads)), body)),
			rest),
		keep: (test) => { wanted = test; fill(); },
		fill,
	};
}

const time = (name, title) => ({name, title, value: (row) => row[name], show: (row) => ms(row[name])});
const count = (name, title, of) => ({name, title, value: of, show: (row) => whole(of(row))});
const again = count("sent again", "segments that were sent again", (row) => row.again || 0);
const handshake = {name: "handshake", title: "mean time from a SYN to its answer", value: (row) => row.shake,
	show: (row) => ms(row.shake)};

function pairColumns(pick) {
	const columns = [
		{name: "src", text: true, value: (pair) => pair.src, show: (pair) => pair.src, pick},
		{name: "dst", text: true, value: (pair) => pair.dst, show: (pair) => pair.dst},
		count("samples", "round-trip times measured", (pair) => pair.n),
		time("min"), time("mean"), time("p50", "half of the samples are not above it"),
		time("p95", "95 % of the samples are not above it"), time("p99", "99 % of the samples are not above it"),
		time("max"), time("jitter", "mean difference between a sample and the next of its connection"),
		handshake, again,
		count("connections", "pairs of ports", (pair) => pair.connections),
	];
	if (data.pairs.some((pair) => pair.in))
		columns.splice(2, 0, {name: "data", text: true, value: (pair) => pair.in ? "in" : "out",
			show: (pair) => pair.in ? "in" : "out"});
	return columns;
}

const connectionColumns = [
	{...count("sport", "port of src", (row) => row.sport), show: (row) => String(row.sport)},
	{...count("dport", "port of dst", (row) => row.dport), show: (row) => String(row.dport)},
	count("samples", "round-trip times measured", (row) => row.n),
	time("min"), time("mean"), time("max"),
	time("jitter", "mean difference between a sample and the next"),
	handshake, again,
	{name: "from s", title: "first heard of, in seconds since the start", value: (row) => row.first,
		show: (row) => seconds(row.first)},
	{name: "to s", title: "last heard of", value: (row) => row.last, show: (row) => seconds(row.last)},
];

// ---- scales and axes

function steps(low, high, wanted) {
	const rough = (high - low) / wanted || 1, power = 10 ** Math.floor(Math.log10(rough));
	const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough), ticks = [];
	for (let i = Math.ceil(low / step); i * step <= high; i++)
		ticks.push(+(i * step).toPrecision(12));
	return ticks;
}

function linear(low, high, from, to, wanted) {
	const span = high - low || 1;
	return {at: (value) => from + (value - low) / span * (to - from), ticks: steps(low, high, wanted)};
}

function decades(low, high, wanted) {
	const ticks = [];
	for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++)
		for (const n of [1, 2, 5])
			ticks.push({value: +(n * 10 ** power).toPrecision(3), n});
	const within = ticks.filter((tick) => tick.value >= low && tick.value <= high);
	if (within.length < 3)
		return steps(low, high, Math.min(wanted, 5));
	return (within.length > wanted ? within.filter((tick) => tick.n === 1) : within).map((tick) => tick.value);
}

function logarithmic(low, high, from, to, wanted) {
	const span = Math.log(high / low) || 1;
	return {at: (value) => from + Math.log(Math.max(value, low) / low) / span * (to - from),
		ticks: decades(low, high, wanted)};
}

function axes(box, x, y, xTitle, yTitle) {
	const bottom = box.height - BOTTOM, group = svg("g");
	for (const tick of x.ticks)
		group.append(svg("path", {class: "grid", d: `M${x.at(tick)} ${TOP}V${bottom + 4}`}),
			svg("text", {x: x.at(tick), y: bottom + 17, "text-anchor": "middle"}, short(tick)));
	for (const tick of y.ticks)
		group.append(svg("path", {class: "grid", d: `M${LEFT - 4} ${y.at(tick)}H${box.width - RIGHT}`}),
			svg("text", {x: LEFT - 7, y: y.at(tick) + 4, "text-anchor": "end"}, short(tick)));
	group.append(svg("text", {x: box.width - RIGHT, y: box.height - 4, "text-anchor": "end"}, xTitle),
		svg("text", {x: 12, y: (TOP + bottom) / 2, "text-anchor": "middle",
			transform: `rotate(-90 12 ${(TOP + bottom) / 2})`}, yTitle));
	return group;
}

// ---- plots

// A plot is drawn anew when its width changes. draw(box) returns {shapes, spots}; a spot is {x, y, say}, and
// what is nearest to the pointer, or chosen with the arrow keys, is said below.
function plot(label, height, draw) {
	const value = html("p", {class: "value", role: "status"});
	const image = svg("svg", {role: "img", tabindex: 0, "aria-label": label + "; arrow keys walk through the values",
		pointermove: (event) => point(event), pointerdown: (event) => point(event),
		pointerleave: () => choose(-1), keydown: (event) => walk(event)});
	const mark = svg("path", {class: "here"});
	let spots = [], chosen = -1, width = 0;

	function choose(index) {
		const spot = spots[index];
		chosen = spot ? index : -1;
		mark.setAttribute("d", spot ? `M${spot.x - 6} ${spot.y}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0` : "");
		value.textContent = spot ? spot.say() : "";
	}

	function point(event) {
		const at = image.getBoundingClientRect(), scale = width / at.width;
		const x = (event.clientX - at.left) * scale, y = (event.clientY - at.top) * scale;
		let nearest = -1, least = Infinity;
		spots.forEach((spot, i) => {
			const far = spot.column ? Math.abs(spot.x - x) : (spot.x - x) ** 2 + (spot.y - y) ** 2;
			if (far < least)
				[nearest, least] = [i, far];
		});
		choose(nearest);
	}

	function walk(event) {
		const to = {ArrowRight: chosen + 1, ArrowLeft: chosen < 0 ? spots.length - 1 : chosen - 1,
			Home: 0, End: spots.length - 1, Escape: -1}[event.key];
		if (to === undefined)
			return;
		event.preventDefault();
		choose(event.key === "Escape" ? -1 : Math.min(Math.max(to, 0), spots.length - 1));
	}

	function redraw(to) {
		width = Math.max(Math.round(to), 280);
		const drawn = draw({width, height});
		spots = drawn.spots;
		image.setAttribute("viewBox", `0 0 ${width} ${height}`);
		image.replaceChildren(...drawn.shapes, mark);
		choose(-1);
	}

	const figure = html("figure", {}, image, value);
	new ResizeObserver(() => {
		if (figure.clientWidth && figure.clientWidth !== width)
			redraw(figure.clientWidth);
	}).observe(figure);
	return {element: figure, redraw: () => redraw(width)};
}

const dot = (spot) => `M${spot.x.toFixed(1)} ${spot.y.toFixed(1)}h0`;
const cross = (spot) => `M${(spot.x - 4).toFixed(1)} ${(spot.y - 4).toFixed(1)}l8 8m0 -8l-8 8`;

function sayPoint(point) {
	const ports = point.row ? `, ports ${point.row.sport} \u2192 ${point.row.dport}` : "";
	const sent = point.again ? `, after ${whole(point.again)} sent again` : "";
	return `${ms(point.ms)} ms at ${clock(point.us)} (${seconds(point.us)} s), frame ${point.frame}${ports}${sent}`;
}

function timePlot(pair) {
	const points = pointsOf(pair), high = pair.max, low = Math.max(pair.min, TICK_MS / 2) * 0.9; // 0 has no logarithm
	let bent = high / pair.p50 > 20;
	const drawn = plot(`Round-trip times over time, ${nameOf(pair)}`, HEIGHT, (box) => {
		const ends = [box.height - BOTTOM, TOP], rest = box.width - LEFT - RIGHT;
		const x = linear(0, data.span_us / 1e6, LEFT, box.width - RIGHT, rest / 90);
		const y = bent ? logarithmic(low, Math.max(high * 1.1, low * 10), ...ends, 8) : linear(0, high * 1.05, ...ends, 5);
		const spots = points.map((point) => ({x: x.at(point.us / 1e6), y: y.at(point.ms), again: point.again,
			say: () => sayPoint(point)}));
		return {spots, shapes: [axes(box, x, y, `seconds since ${clock(0)} UTC`, "ms"),
			svg("path", {class: "dots", d: spots.filter((spot) => !spot.again).map(dot).join("")}),
			svg("path", {class: "again", d: spots.filter((spot) => spot.again).map(cross).join("")})]};
	});
	const bend = html("input", {type: "checkbox", change: () => {
		bent = bend.checked;
		drawn.redraw();
	}});
	bend.checked = bent;
	return html("div", {}, html("h3", {}, "Over time"), html("p", {class: "hint"}, ...legend(pair, points)),
		html("p", {class: "controls"}, html("label", {}, bend, " logarithmic")), drawn.element);
}

function legend(pair, points) {
	const words = [];
	if (points.some((point) => point.again))
		words.push(svg("svg", {class: "key", viewBox: "0 0 12 12", "aria-hidden": "true"},
			svg("path", {class: "again", d: cross({x: 6, y: 6})})),
			pair.stretch ? " segments were sent again; the highest sample of that time. "
				: " the first sample after segments were sent again. ");
	if (pair.stretch)
		words.push(`Thinned for drawing: of each ${short(pair.stretch / 1e6)} s, the lowest and the highest of `
			+ `${whole(pair.n)} samples; ${whole(points.length)} are drawn. The figures are of all.`);
	return words;
}

const sayBucket = (bucket) => `${short(bucket.from)} to ${short(bucket.to)} ms: ${whole(bucket.n)} samples, `
	+ `${share(bucket.share)}; ${share(bucket.below)} are below ${short(bucket.to)} ms`;

// The area of a bar is its share, so that wide buckets do not look like many samples; its height says nothing
// by itself.
const density = (bucket) => bucket.share / Math.log2(bucket.to / bucket.from);

function distributionPlots(series, name) {
	const buckets = bucketsOf(series).map((bucket) => ({...bucket, from: bucket.from || TICK_MS / 2}));
	const low = buckets[0].from / 1.15, high = buckets[buckets.length - 1].to * 1.15;
	const across = (box) => logarithmic(low, high, LEFT, box.width - RIGHT, (box.width - LEFT) / 60);
	const middle = (x, bucket) => (x.at(bucket.from) + x.at(bucket.to)) / 2;

	const bars = plot(`Distribution of round-trip times, ${name}`, LOW_HEIGHT, (box) => {
		const x = across(box), bottom = box.height - BOTTOM, most = Math.max(...buckets.map(density));
		const y = {...linear(0, most, bottom, TOP, 1), ticks: []};
		const spots = buckets.map((bucket) => ({x: middle(x, bucket), y: y.at(density(bucket)), column: true,
			say: () => sayBucket(bucket)}));
		const d = buckets.map((bucket, i) => `M${x.at(bucket.from).toFixed(1)} ${bottom}V${spots[i].y.toFixed(1)}`
			+ `H${Math.max(x.at(bucket.to), x.at(bucket.from) + 1).toFixed(1)}V${bottom}z`);
		return {spots, shapes: [axes(box, x, y, "ms", "samples"), svg("path", {class: "bars", d: d.join("")})]};
	});
	const curve = plot(`Cumulative distribution of round-trip times, ${name}`, LOW_HEIGHT, (box) => {
		const x = across(box), y = linear(0, 100, box.height - BOTTOM, TOP, 4);
		const spots = buckets.map((bucket) => ({x: x.at(bucket.to), y: y.at(bucket.below * 100), column: true,
			say: () => sayBucket(bucket)}));
		let d = `M${LEFT} ${y.at(0)}`;
		buckets.forEach((bucket, i) => {
			d += `H${x.at(bucket.from).toFixed(1)}L${spots[i].x.toFixed(1)} ${spots[i].y.toFixed(1)}`;
		});
		return {spots, shapes: [axes(box, x, y, "ms", "% not above"), svg("path", {class: "curve", d})]};
	});
	return [html("h3", {}, "Distribution"), bars.element, html("h3", {}, "Cumulative"), curve.element];
}

// ---- the page

function figures(list) {
	return list.filter(([, value]) => value !== undefined)
		.map(([name, value]) => html("div", {}, html("dt", {}, name), html("dd", {}, value)));
}

const msOf = (value) => value === undefined ? undefined : ms(value) + " ms";

function section(pair) {
	const parts = [html("h2", {}, nameOf(pair)), html("dl", {}, ...figures([
		["samples", whole(pair.n)], ["min", msOf(pair.min)], ["mean", msOf(pair.mean)], ["p50", msOf(pair.p50)],
		["p95", msOf(pair.p95)], ["p99", msOf(pair.p99)], ["max", msOf(pair.max)], ["jitter", msOf(pair.jitter)],
		["handshake", msOf(pair.shake)], ["sent again", whole(pair.again || 0)]]))];
	if (pair.n)
		parts.push(timePlot(pair), ...distributionPlots(pair, nameOf(pair)));
	parts.push(html("h3", {}, "Connections"),
		table(`${whole(pair.connections)} of ${nameOf(pair)}`, connectionColumns, pair.rows, {}).element);
	if (pair.rows.length < pair.connections || pair.rowless)
		parts.push(html("p", {class: "note"}, `Not all connections of this pair are listed: these are `
			+ `${whole(pair.rows.length)}, with the most samples. The pair's figures are of all.`));
	return html("section", {class: "pair", tabindex: -1, "aria-label": nameOf(pair)}, ...parts);
}

function notes() {
	const list = [];
	if (!data.whole)
		list.push("The file was not read to its end.");
	if (data.note)
		list.push(data.note + ".");
	if (data.left_out)
		list.push(`There were too many pairs for one page: these are ${whole(data.pairs.length)} with the most samples. `
			+ `The summary also has the ${whole(data.left_out)} samples of the others.`);
	if (data.lost)
		list.push(`Out of memory: ${whole(data.lost)} samples are missing.`);
	return list.map((text) => html("p", {class: "note"}, text));
}

function summary() {
	const total = data.total;
	byId("file").textContent = data.file;
	document.title = `${data.file}: TCP round-trip times`;
	byId("made").textContent = `Made by bpf-metro ${data.version}.`;
	byId("figures").append(...figures([
		["from, UTC", data.first && data.first.slice(0, 23).replace("T", " ")],
		["measured for", data.first && seconds(data.span_us) + " s"],
		["packets", whole(data.packets)], ["of them TCP", whole(data.tcp)],
		["pairs of hosts", whole(data.pairs_known) + (data.pairless ? " or more" : "")], ["samples", whole(total.n)],
		["min", msOf(total.min)], ["mean", msOf(total.mean)], ["p50", msOf(total.p50)], ["p95", msOf(total.p95)],
		["p99", msOf(total.p99)], ["max", msOf(total.max)], ["jitter", msOf(total.jitter)],
		["handshakes", total.shakes && whole(total.shakes)],
		["sent again", whole(total.again || 0)]]));
	byId("notes").append(...notes());
	if (total.n)
		byId("total").append(...distributionPlots(total, "all pairs"));
}

function pairs() {
	let chosen = data.pairs[0];
	const every = byId("every"), filter = byId("filter"), details = byId("details");
	const matches = (pair) => !filter.value || `${pair.src} ${pair.dst}`.includes(filter.value.trim());

	function show() {
		const shown = every.checked ? data.pairs.filter(matches) : [chosen];
		details.replaceChildren(...shown.slice(0, DRAWN_MOST).map(section));
		if (shown.length > DRAWN_MOST)
			details.append(html("p", {class: "note"}, `These are ${DRAWN_MOST} of ${whole(shown.length)} pairs, with `
				+ "the most samples; part of an address, above, chooses among them."));
	}

	const list = table(`${whole(data.pairs.length)} pairs`, pairColumns((pair) => {
		chosen = pair;
		every.checked = false;
		list.fill();
		show();
		details.firstChild.focus();
		details.firstChild.scrollIntoView();
	}), data.pairs, {chosen: (pair) => pair === chosen});

	byId("pairs-table").append(list.element);
	every.addEventListener("change", show);
	filter.addEventListener("input", () => {
		list.keep(matches);
		if (every.checked)
			show();
	});
	show();
}

summary();
if (data.pairs.length)
	pairs();
else
	byId("pairs-table").append(html("p", {class: "note"}, "No round-trip times seen."));
})();
