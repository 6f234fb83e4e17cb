// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// node datadog.mjs MODULES FILE.json...: are they what Datadog's API client has types for?
//
// It reads each as if Datadog had sent it: what fits no type stays as it is, and is marked. And it writes what
// it has read: what it misses it refuses, and what is not as it was in the file it does not know.
import {createRequire} from "node:module";
import {readFileSync} from "node:fs";
import {isDeepStrictEqual} from "node:util";
import {basename, resolve} from "node:path";

const [modules, ...paths] = process.argv.slice(2);
const client = "@datadog/datadog-api-client/dist/packages/datadog-api-client-v1/models/ObjectSerializer.js";
const {ObjectSerializer} = createRequire(resolve(modules, "package.json"))(client);

let faults = 0;
const fault = (what) => {
	console.log(what);
	faults++;
};

// Objects that fit none of the types they could be of, and keys that their types do not have.
function* marked(value, where) {
	if (!value || typeof value !== "object")
		return;
	if (value.unparsedObject !== undefined || value._unparsed)
		yield `${where} is of no type that Datadog has`;
	if (value.additionalProperties && Object.keys(value.additionalProperties).length)
		yield `${where} has keys that Datadog does not know: ${Object.keys(value.additionalProperties)}`;
	for (const [key, below] of Object.entries(value))
		yield* marked(below, `${where}.${key}`);
}

function check(path) {
	const name = basename(path), document = JSON.parse(readFileSync(path, "utf8"));
	const type = name.startsWith("monitor") ? "Monitor" : "Dashboard";
	try {
		const read = ObjectSerializer.deserialize(structuredClone(document), type, "");
		for (const what of marked(read, name))
			fault(what);
		const written = JSON.parse(JSON.stringify(ObjectSerializer.serialize(read, type, "")));
		if (!isDeepStrictEqual(written, document))
			fault(`${name}: is not as it was when it is written again: ${JSON.stringify(written)}`);
	} catch (error) {
		fault(`${name}: ${error.message}`);
	}
}

paths.forEach(check);
process.exit(faults ? 1 : 0);
