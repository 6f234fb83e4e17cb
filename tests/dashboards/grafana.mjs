// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// node grafana.mjs MODULES DASHBOARD.json...: are they what @grafana/schema has types for?
//
// Each becomes a program whose constants have these types, and the compiler says what is wrong: the
// dashboard, and what the schema of dashboards leaves open, the options of each panel and the way its
// fields are drawn. What is not in a type is a fault, too.
import {createRequire} from "node:module";
import {readFileSync} from "node:fs";
import {basename, resolve} from "node:path";

const [modules, ...paths] = process.argv.slice(2);
const ts = createRequire(resolve(modules, "package.json"))("typescript");
const composable = "@grafana/schema/dist/esm/raw/composable";
const kinds = { // of panels: where their types are
	heatmap: "heatmap/panelcfg/x/HeatmapPanelCfg_types.gen",
	"state-timeline": "statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen",
	stat: "stat/panelcfg/x/StatPanelCfg_types.gen",
	table: "table/panelcfg/x/TablePanelCfg_types.gen",
	timeseries: "timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen",
};
// A file has the values of enumerations, not their names; and not what its reader fills in.
const head = `import type {Dashboard} from "@grafana/schema";
type Plain<T> = unknown extends T ? T : T extends string ? \`\${T}\` : T extends (infer U)[] ? Plain<U>[] :
	T extends object ? {[K in keyof T]: Plain<T[K]>} : T;
`;

let faults = 0;
const fault = (what) => {
	console.log(what);
	faults++;
};

function programOf(path) {
	const dashboard = JSON.parse(readFileSync(path, "utf8"));
	const lines = [`const dashboard: Plain<Dashboard> = ${JSON.stringify(dashboard)};`];
	for (const panel of dashboard.panels.filter((panel) => panel.type !== "row")) {
		const name = `panel_${panel.id}`, custom = panel.fieldConfig?.defaults?.custom;
		if (!kinds[panel.type]) {
			fault(`${path}: ${panel.title}: a panel of a kind that this does not know: ${panel.type}`);
			continue;
		}
		const types = `import("${composable}/${kinds[panel.type]}")`;
		lines.push(`const ${name}: Partial<Plain<${types}.Options>> = ${JSON.stringify(panel.options ?? {})};`);
		if (custom)
			lines.push(`const ${name}_fields: Partial<Plain<${fieldsOf(panel.type, types)}>> = ${JSON.stringify(custom)};`);
	}
	return head + lines.join("\n") + "\n";
}

// A table's are its cells', which every kind of panel may have.
const fieldsOf = (kind, types) => kind === "stat" ? "never" :
	kind === "table" ? 'import("@grafana/schema").TableFieldOptions' : `${types}.FieldConfig`;

const programs = new Map(paths.map((path) => [resolve(modules, basename(path) + ".ts"), programOf(path)]));
const options = {noEmit: true, strict: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ESNext,
	module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler};
const host = ts.createCompilerHost(options);
const {fileExists, readFile, getSourceFile} = host;
host.fileExists = (name) => programs.has(resolve(name)) || fileExists(name);
host.readFile = (name) => programs.get(resolve(name)) ?? readFile(name);
host.getSourceFile = (name, ...rest) => programs.has(resolve(name)) ?
	ts.createSourceFile(name, programs.get(resolve(name)), ...rest) : getSourceFile(name, ...rest);
for (const found of ts.getPreEmitDiagnostics(ts.createProgram([...programs.keys()], options, host)))
	fault(`${basename(found.file?.fileName ?? "", ".ts")}: ${ts.flattenDiagnosticMessageText(found.messageText, "\n")}`);
process.exit(faults ? 1 : 0);
