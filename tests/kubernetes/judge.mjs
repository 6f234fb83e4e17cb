// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// judge.mjs MODULES FILE: what is wrong with the manifests in FILE, a line each; status 1 if anything is.
// kubernetes-models knows values: types, words that are accepted, forms of quantities. Unknown keys it lets
// pass. These TypeScript finds, for which the manifests become constants of kubernetes-types. MODULES is where
// npm has installed both.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const [modules, file] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), "package.json"));
const yaml = require("yaml");
const ts = require("typescript");

function readManifests() {
  return yaml.parseAllDocuments(fs.readFileSync(file, "utf8")).map((document) => {
    if (document.errors.length) throw document.errors[0];
    return document.toJS();
  });
}

const nameOf = ({ kind, metadata }) => `${kind} ${metadata?.name}`;

// "v1", or "apps/v1", whose group has a domain behind it in kubernetes-models except where it has none.
function judgeValues(manifest) {
  const { apiVersion, kind } = manifest;
  let models;
  try {
    models = require(`kubernetes-models/${apiVersion}`);
  } catch {
    return [`there is no ${apiVersion}`];
  }
  if (!models[kind]) return [`${apiVersion} has no ${kind}`];
  try {
    new models[kind](manifest).validate();
    return [];
  } catch (error) {
    return [error.message];
  }
}

// The module of kubernetes-types that a version is in: apps/v1, core/v1, scheduling/v1 ..
function typesOf(apiVersion) {
  const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["core", apiVersion];
  return `kubernetes-types/${group.split(".")[0]}/${version}`;
}

function judgeKeys(manifests) {
  const source = path.join(modules, "manifests.ts");
  fs.writeFileSync(source, manifests.map((manifest, i) =>
    `import type { ${manifest.kind} as Kind${i} } from "${typesOf(manifest.apiVersion)}";\n` +
    `export const manifest${i}: Kind${i} = ${JSON.stringify(manifest, null, 1)};\n`).join(""));
  const program = ts.createProgram([source],
    { noEmit: true, strict: true, types: [], module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext });
  return ts.getPreEmitDiagnostics(program).map((found) => ts.flattenDiagnosticMessageText(found.messageText, " "));
}

const manifests = readManifests();
const faults = [
  ...manifests.flatMap((manifest) => judgeValues(manifest).map((fault) => `${nameOf(manifest)}: ${fault}`)),
  ...judgeKeys(manifests),
];
faults.forEach((fault) => console.log(fault));
process.exitCode = faults.length || !manifests.length ? 1 : 0;
