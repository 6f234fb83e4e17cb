// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// look.mjs MODULES FILE EXPRESSION: what the JavaScript expression says of the manifests in FILE: texts as they
// are, all else as JSON. It knows all, a list, kind("Kind"), the first of that kind, and of the DaemonSet pod, its
// template's spec, and container, the first.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const [modules, file, expression] = process.argv.slice(2);
const yaml = createRequire(path.join(path.resolve(modules), "package.json"))("yaml");
const all = yaml.parseAllDocuments(fs.readFileSync(file, "utf8")).map((document) => document.toJS());
const kind = (name) => all.find((manifest) => manifest.kind === name);
const pod = kind("DaemonSet")?.spec.template.spec;
const look = new Function("all", "kind", "pod", "container", `return ${expression}`);
const seen = look(all, kind, pod, pod?.containers[0]);
console.log(typeof seen === "string" ? seen : JSON.stringify(seen));
