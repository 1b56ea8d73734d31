//! Samples are shortened from what the tools write.

use super::*;

fn found(script: &str) -> Vec<(String, Role, Form)> {
    let mut found = Found::default();
    read(script.as_bytes(), 1, &mut found);
    found.finish().list.into_iter().map(|one| (one.written.to_string(), one.role, one.form)).collect()
}

/// The texts of those in a form.
fn in_form(script: &str, form: Form) -> Vec<String> {
    found(script).into_iter().filter(|(.., of)| *of == form).map(|(written, ..)| written).collect()
}

#[test]
fn imports_with_a_literal_path_are_references() {
    let script = r#"import{a as b,c}from"./a.js";import d from './b.js';import*as e from"./c.js";import"./d.js";
export{f as default}from"./e.js";export*from"./f.js";export * as g from "./g.js";import h,{"i" as j}from"./h.js";
const k=()=>import("./i.js"),l=import(`./j.js`),m=import(/* chunk */"./k.js",{with:{type:"json"}});import defer * as n from "./l.js";
import o from "bare";import("../m.json");import p from"./q.css"with{type:"css"};"#;
    let expected = [
        "./a.js",
        "./b.js",
        "./c.js",
        "./d.js",
        "./e.js",
        "./f.js",
        "./g.js",
        "./h.js",
        "./i.js",
        "./j.js",
        "./k.js",
        "./l.js",
        "bare",
        "../m.json",
        "./q.css",
    ];
    let all = found(script).into_iter().filter(|(.., form)| matches!(form, Form::Import | Form::DynamicImport));
    assert_eq!(all.map(|(written, ..)| written).collect::<Vec<_>>(), expected);
    assert!(found(r#"import("./i.js")"#).contains(&("./i.js".to_owned(), Role::Module, Form::DynamicImport)));
    assert!(found(r#"import "./i""#).contains(&("./i".to_owned(), Role::Other, Form::Import)));
    assert!(found(script).contains(&("./q.css".to_owned(), Role::Style, Form::Import)));
    assert_eq!(in_form(script, Form::Text), [""; 0], "none of them is a text as well");
}

/// Each token in a line of its own: the line is that of the text.
#[test]
fn lines_are_those_of_the_texts() {
    for script in [
        r#"import "./a.js" ; import b from "./b.js" ; export * from "./c.js""#,
        r#"import ( "./d.js" ) ; new URL ( "e.png" , import . meta . url )"#,
        r#"importScripts ( "f.js" , "g.js" ) ; new Worker ( r . p + "h.3c1e8b70.js" )"#,
        r#"path_to_searchindex_js = "searchindex-d84a9304.js" ; { path : "i.22a73333.js" , type : 0 }"#,
        r#"f ( [ "js/j.js" , "js/k.js" ] ) ; x = "/img/l.png" ; y = "/js/m-3f9c2e1b.js""#,
        r#"r . u = ( ) => "n.fe712687.js" ; f ( '["js/o.js"]' )"#,
    ] {
        let script = format!(";\n;\n;\n{}", script.replace(' ', "\n"));
        let mut found_in = Found::default();
        read(script.as_bytes(), 1, &mut found_in);
        let list = found_in.finish().list;
        assert!(list.len() >= 2, "{list:?}");
        for one in list {
            let line = script.lines().position(|line| line.contains(&*one.written)).unwrap() + 1;
            assert_eq!(one.line as usize, line, "{} in {script}", one.written);
        }
    }
    for (script, written, line) in [
        (";;;\nimport\n(\n`./${a}.entry.js`)", "./*.entry.js", 4),
        ("\n[\n\"p-6c712035\",[[513,\"app-root\"]]]", "p-6c712035.entry.js", 3),
        ("\n__VP_HASH_MAP__=JSON.parse(\n'{\"a\":\"b\"}')", "assets/a.b.js", 3),
        // What a text holds is in its line, whatever line ends it means.
        ("\n\nf(\"\\n\\n[\\\"js/a.js\\\"]\")", "js/a.js", 3),
        ("\n\nf('\\n{\"2bwVA\":\"about.9a4772a1.js\"}')", "about.9a4772a1.js", 3),
    ] {
        let mut found = Found::default();
        read(script.as_bytes(), 1, &mut found);
        let lines: Vec<_> = found.finish().list.iter().map(|one| (one.written.to_string(), one.line)).collect();
        assert!(lines.contains(&(written.to_owned(), line)), "{script}: {lines:?}");
    }
}

#[test]
fn what_only_looks_like_an_import_is_none() {
    let script = r#"a.import("./a.js");b={import:"./b.js"};import(c);import("./d"+e);// import "./f.js"
/* import("./g.js") */var h='import "./i.js"',j=/import("\.\/k.js")/,l=`import "./m.js" ${n}`;export{o};p.from("./q.js")
if(r)/import("s.js")/.test(t);u=v/2;w=x[0]/import("./y.js")/z"#;
    assert_eq!(in_form(script, Form::DynamicImport), ["./y.js"]);
    assert_eq!(in_form(script, Form::Import), Vec::<String>::new());
    let data = r#"a='import("./late.js");f("x.js")';b='r.u=e=>"c/"+{1:"3f9c2e1b"}[e]+".js"'"#;
    assert_eq!(
        (in_form(data, Form::DynamicImport), in_form(data, Form::ChunkName)),
        (vec![], vec![]),
        "texts are data"
    );
}

#[test]
fn modules_of_systemjs_import_by_their_context() {
    let script = r#"System.register(["./main-legacy-BUFxrU_5.js"],(function(e,t){return{setters:[e=>{o=e.g}],execute:
function(){a(()=>t.import("./lazy-legacy-CjUPyfIQ.js"));t.import("bare")}}}));"#;
    assert_eq!(in_form(script, Form::DynamicImport), ["./lazy-legacy-CjUPyfIQ.js"]);
}

#[test]
fn the_hash_of_the_whole_build_is_part_of_chunk_names() {
    let css = r#"o.miniCssF=e=>"css/"+e+"."+o.h().slice(0,8)+".css",o.h=()=>"cdef239006fc57605e51",o.o=1"#;
    assert_eq!(in_form(css, Form::ChunkName), ["css/*.cdef2390.css"]);
    let script = r#"r.u=function(e){return"js/"+({1:"home"}[e]||e)+"-"+r.h()+".js"};r.h=function(){return"cdef239006fc57605e51"}"#;
    assert_eq!(in_form(script, Form::ChunkName), ["js/home-cdef239006fc57605e51.js"]);
    assert_eq!(in_form(r#"r.u=e=>"js/"+e+r.h()+".js""#, Form::ChunkName), [""; 0]);
    let with =
        |more: &str| in_form(&format!(r#"r.u=e=>"js/"+({{1:"home"}}[e]||e)+"-"+r.h()+".js";{more}"#), Form::ChunkName);
    assert_eq!(
        with(r#"r.g=()=>"0123456789abcdef0123";r.h=()=>"cdef239006fc57605e51""#),
        ["js/home-cdef239006fc57605e51.js"]
    );
    for none in ["r.h=()=>fullHash", r#"r.h=()=>"abc""#] {
        assert_eq!(with(none), [""; 0], "{none}");
    }
    let other = r#"r.u=e=>"js/"+({1:"home"}[e]||e)+"-"+r.g()+".js";r.h=()=>"cdef239006fc57605e51""#;
    assert_eq!(in_form(other, Form::ChunkName), [""; 0]);
}

#[test]
fn manifests_in_texts_are_lists() {
    let script = r#"r("27Lyk").register(JSON.parse('{"2bwVA":"about.9a4772a1.js","2PL4F":"version.24603623.js","4SE5j":"version.9ca3f58b.css","4XgtU":"Hero.3454a55b.png"}'))"#;
    assert_eq!(in_form(script, Form::List), ["about.9a4772a1.js", "version.24603623.js", "version.9ca3f58b.css"]);
    assert_eq!(in_form(script, Form::Text), ["Hero.3454a55b.png"]);
    for data in [
        r#"f('{"main":"index.js","a":"b.3454a55b.js"}')"#,
        r#"f('{"a":"b.3454a55b.js","c":1}')"#,
        r#"f('{"no id":"b.3454a55b.js"}')"#,
    ] {
        assert_eq!(in_form(data, Form::List), [""; 0], "{data}");
    }
}

#[test]
fn templates_are_code_only_in_their_holes() {
    assert_eq!(
        in_form(r#"a=`x ${b?`${import("./c.js")} }`:{d:1}} import("./e.js")`;import("./f.js")"#, Form::DynamicImport),
        ["./c.js", "./f.js"]
    );
}

#[test]
fn escapes_of_strings_mean_what_they_mean() {
    assert_eq!(in_form(r#"import("./\u0061\x62\u{63}\/d.js")"#, Form::DynamicImport), ["./abc/d.js"]);
}

#[test]
fn a_quote_that_does_not_end_in_its_line_is_none() {
    assert_eq!(in_form("x='./a.png\ny='", Form::Text), [""; 0]);
    // Nor are many, anywhere in a file.
    let comment = "a 'quote\n".repeat(200);
    assert_eq!(in_form(&format!("{comment}import './a.js'"), Form::Import), ["./a.js"]);
}

#[test]
fn addresses_beside_the_script_are_references() {
    let script = r#"new Worker(new URL("/assets/worker-1.js",import.meta.url));const a=""+new URL("b.png",import.meta.url).href;new URL("c",d);
new URL("f.js"+import.meta.url);importScripts("workbox-1.js","./e.js")"#;
    assert_eq!(in_form(script, Form::ScriptUrl), ["/assets/worker-1.js", "b.png"]);
    assert_eq!(in_form(script, Form::Worker), ["workbox-1.js", "./e.js"]);
}

#[test]
fn an_address_is_loaded_only_as_a_worker_that_a_bundler_named() {
    let script = r#"new Worker(new URL("w-3f9c2e1b.js",import.meta.url),{type:"module"});new self.SharedWorker(new URL("s-3f9c2e1b.js",import.meta.url));
load(new URL("x-3f9c2e1b.mjs",import.meta.url));new Worker(new URL("worker.js",import.meta.url));new Other(new URL("o-3f9c2e1b.js",import.meta.url))
new Worker(new URL(""+new URL("v.worker-BqPKbSZW.js",import.meta.url).href,import.meta.url));new Worker(new URL("myWorker.js",import.meta.url))"#;
    assert_eq!(in_form(script, Form::Worker), ["w-3f9c2e1b.js", "s-3f9c2e1b.js", "v.worker-BqPKbSZW.js"]);
    assert_eq!(in_form(script, Form::ScriptUrl), ["x-3f9c2e1b.mjs", "worker.js", "o-3f9c2e1b.js", "myWorker.js"]);
    for (name, is_built) in [
        ("w-3f9c2e1b.js", true),
        ("v.worker-BqPKbSZW.js", true),
        ("my-component.js", false),
        ("my-Worker.js", false),
        ("my-COMPONENT.js", false),
    ] {
        assert_eq!(may_be_built(name), is_built, "{name}");
    }
}

#[test]
fn names_of_things_are_no_files() {
    for script in [
        r#"const skills=["Node.js","Vue.js"]"#,
        r#"const skills=["Animate.css","Less.css"],more=["Chart.mjs","d3.mjs"]"#,
        r#"const skills=["Node.js","React",3]"#,
        r#"const name=id=>({1:"Vue",2:"Node"})[id]+".js""#,
        r#"function name(id){return{1:"Animate",2:"Less"}[id]+".css"}"#,
        r#"const name=()=>"Node"+".js""#,
        r#"t("x",function(){return "Vue"+".js"})"#,
        r#"const name=()=>"Node.js";"#,
        r#"m.u=1;const name=()=>x+"Node.js";"#,
        r#"function(e){return r.q+""+({1:"late"}[e]||e)+".js"}"#,
        r#"x;u=e=>({1:"late"}[e]||e)+".js""#,
        r#"r.v=e=>({1:"late"}[e]||e)+".js""#,
        r#"x;f=["late.js"]"#,
    ] {
        assert_eq!((in_form(script, Form::List), in_form(script, Form::ChunkName)), (vec![], vec![]), "{script}");
    }
    // What says that they are: a folder, a hash, Vite's table, the runtime's own function, its public path.
    assert_eq!(in_form(r#"f(["js/a.js","js/b.css"])"#, Form::List), ["js/a.js", "js/b.css"]);
    assert_eq!(in_form(r#"f(["a-3f9c2e1b.js","b.css"])"#, Form::List), ["a-3f9c2e1b.js", "b.css"]);
    assert_eq!(in_form(r#"d=(m.f||(m.f=["late.js","late.css"]))"#, Form::List), ["late.js", "late.css"]);
    assert_eq!(in_form(r#"x;y;m.f=["late.js"]"#, Form::List), ["late.js"]);
    assert_eq!(in_form(r#"r.u=e=>({1:"late"}[e]||e)+".js""#, Form::ChunkName), ["late.js"]);
    assert_eq!(in_form(r#"r.u = function (e) { return {1:"late"}[e]+".js" }"#, Form::ChunkName), ["late.js"]);
    assert_eq!(in_form(r#"function(e){return r.p+""+({1:"late"}[e]||e)+".js"}"#, Form::ChunkName), ["late.js"]);
    assert_eq!(in_form(r#"e=>({1:"a",2:"b"})[e]+"."+{1:"3f9c2e1b",2:"bbbbbbbb"}[e]+".js""#, Form::ChunkName).len(), 2);
}

#[test]
fn lists_of_vite_are_read() {
    let script = r#"const __vite__mapDeps=(i,m=__vite__mapDeps,d=(m.f||(m.f=["assets/care-Bmp_sY-6.js","assets/care-1.css"])))=>i.map(i=>d[i]);"#;
    assert_eq!(in_form(script, Form::List), ["assets/care-Bmp_sY-6.js", "assets/care-1.css"]);
}

#[test]
fn lists_with_ids_and_lists_in_strings_are_read() {
    let parcel = r#"a("b").register(c("d").getBundleURL("e"),JSON.parse('["gZHvR","index.14d8ba5f.js","d0Vva","About.ca78f345.js"]'))"#;
    assert_eq!(in_form(parcel, Form::List), ["index.14d8ba5f.js", "About.ca78f345.js"]);
    let pictures =
        r#"a(JSON.parse('["ckHCT","index.cfc4d20b.js","gOIDM","HeroBANNER.029605d3.png","7UHlF","b.ae10227e.css"]'))"#;
    assert_eq!(in_form(pictures, Form::List), ["index.cfc4d20b.js", "b.ae10227e.css"]);
    assert_eq!(in_form(pictures, Form::Text), ["HeroBANNER.029605d3.png"]);
    let next = r#"self.__next_f.push([1,"5:I[4707,[\"931\",\"static/chunks/app/page-ab12cd34.js\"],\"\"]\n"])"#;
    assert_eq!(in_form(next, Form::List), ["static/chunks/app/page-ab12cd34.js"]);
    for member in [r#"a=b["css/main.css"]"#, r#"a=b()["css/main.css"]"#, r#"a=b[0]["css/main.css"]"#] {
        assert_eq!(in_form(member, Form::List), [""; 0], "{member}");
    }
    assert_eq!(in_form(r#"function f(){return["css/main.css"]}"#, Form::List), ["css/main.css"]);
    assert_eq!(in_form(r#"["js/a b.js","js/a.js"]"#, Form::List), [""; 0], "no path holds a space");
    assert_eq!(in_form(r#"["home","main.js"]"#, Form::List), Vec::<String>::new());
}

#[test]
fn the_manifest_of_a_next_build_is_a_list() {
    let script = r#"self.__BUILD_MANIFEST=function(s,c){return{"/":[s,"static/chunks/pages/index-1.js"],sortedPages:["/"]}}("static/chunks/75-2.js","static/css/3.css"),self.__BUILD_MANIFEST_CB&&self.__BUILD_MANIFEST_CB();"#;
    assert_eq!(
        in_form(script, Form::List),
        ["static/chunks/pages/index-1.js", "static/chunks/75-2.js", "static/css/3.css"]
    );
}

#[test]
fn tables_of_webpack_are_worked_out() {
    let webpack_5 = r#"r.u=e=>"static/js/"+({1:"home",2:"about"}[e]||e)+"."+{1:"aaaa",2:"bbbb",1e3:"cccc"}[e]+".chunk.js",r.miniCssF=e=>"static/css/"+e+"."+{2:"dddd"}[e]+".css";"#;
    let names = [
        "static/js/home.aaaa.chunk.js",
        "static/js/1000.cccc.chunk.js",
        "static/js/about.bbbb.chunk.js",
        "static/css/2.dddd.css",
    ];
    assert_eq!(in_form(webpack_5, Form::ChunkName), names);
    let webpack_4 =
        r#"function(e){return a.p+"js/"+({"a":"b"}[e]||e)+"."+{"a":"c1"}[e]+".js"};var f="css/"+{1:"x"}[e]+".css";"#;
    assert_eq!(in_form(webpack_4, Form::ChunkName), ["js/b.c1.js"]);
    let next = r#"d.u=e=>e===428?"static/chunks/428-1.js":"static/chunks/"+(({5:"f"})[e]||e)+"."+({5:"g"})[e]+".js""#;
    assert_eq!(in_form(next, Form::ChunkName), ["static/chunks/428-1.js", "static/chunks/f.g.js"]);
    let readable = "__webpack_require__.u = (chunkId) => {\n// return url\nreturn \"\" + chunkId + \".\" + {\"1\":\"ab\"}[chunkId] + \".js\";\n};";
    assert_eq!(in_form(readable, Form::ChunkName), ["1.ab.js"]);
}

#[test]
fn chunks_without_a_script_are_left_out() {
    let table = r#"d.u=e=>"c/"+e+"."+({1:"a",2:"b",3:"c"})[e]+".js""#;
    let left = |runtime: &str| in_form(&format!("{runtime};{table}"), Form::ChunkName);
    assert_eq!(left("if(r)t.push(r[2]);else if(/^(2|3)$/.test(e))a[e]=0;else b()"), ["c/1.a.js"]);
    assert_eq!(left("if(2!=e){b()}else a[e]=0"), ["c/1.a.js", "c/3.c.js"]);
    assert_eq!(left("if(/^(2|3)$/.test(e))b();if(1!==e)b()"), ["c/1.a.js", "c/2.b.js", "c/3.c.js"]);
    assert_eq!(left("if(!/^(2|3)$/.test(e))b()"), ["c/1.a.js"]);
    assert_eq!(left("x;if(2!=e){b()}else a[e]=0"), ["c/1.a.js", "c/3.c.js"]);
    assert_eq!(left("x;if(2===e)a[e]=0;else b()"), ["c/1.a.js", "c/3.c.js"]);
    for loads_all in ["/^(2|3)$/.test(e)&&b()", "if(!/^(2|3)$/.exec(e))b()", "if(2===e)b()", "x=2;f;a[e]=0"] {
        assert_eq!(left(loads_all).len(), 3, "{loads_all}");
    }
    let nothing = r#"r.miniCssF=e=>"css/"+{1:"31d6cfe0d16ae931b73c",2:"ab"}[e]+".css""#;
    assert_eq!(in_form(nothing, Form::ChunkName), ["css/ab.css"]);
}

#[test]
fn one_chunk_needs_no_table() {
    let script = r#"c.u=e=>"static/chunks/"+e+".202ec212.js",c.miniCssF=e=>"static/css/12e43117.css",c.g=1"#;
    assert_eq!(in_form(script, Form::ChunkName), ["static/chunks/*.202ec212.js", "static/css/12e43117.css"]);
    assert_eq!(
        in_form("import(`./${e}.entry.js${''}`);import(`./${e}.entry.js`)", Form::DynamicImport),
        ["./*.entry.js"]
    );
    for none in ["import(`${e}.js`)", "import(`./${e}.css`)", "import(`./${names[e].path.of[e]}.entry.js`)"] {
        assert_eq!(in_form(none, Form::DynamicImport), [""; 0], "{none}");
    }
}

#[test]
fn expressions_are_followed_to_a_depth() {
    let nested = |depth: usize| format!(r#"r.u=e=>{}{{1:"late"}}[e]{}+".js""#, "(".repeat(depth), ")".repeat(depth));
    assert_eq!(in_form(&nested(24), Form::ChunkName), ["late.js"]);
    assert_eq!(in_form(&nested(25), Form::ChunkName), [""; 0]);
    for endless in ["(", "1===e?", "1===e?2:"] {
        assert_eq!(found(&format!("r.u=e=>{}", endless.repeat(200_000))), [], "{endless}");
    }
    let large = r#"r.u=e=>"c/"+e+"."+{1e999:"3f9c2e1b"}[e]+".js""#;
    assert_eq!(in_form(large, Form::ChunkName), ["c/1e999.3f9c2e1b.js"], "no number is as large");
}

#[test]
fn texts_in_texts_are_read_to_a_depth() {
    let once = r#"'["js/a.js","js/b.css"]'"#.to_owned();
    let twice = format!("`{once}`");
    let thrice = format!("\"{}\"", twice.replace('"', "\\\""));
    assert_eq!(in_form(&format!("f({once})"), Form::List), ["js/a.js", "js/b.css"]);
    assert_eq!(in_form(&format!("f({twice})"), Form::List), ["js/a.js", "js/b.css"]);
    assert_eq!(in_form(&format!("f({thrice})"), Form::List), [""; 0]);
    // And only for scripts and style sheets.
    assert_eq!(in_form(r#"f('{"a":"/img/b.png"}')"#, Form::Text), [""; 0]);
}

#[test]
fn texts_that_look_like_paths_are_kept_apart() {
    let script = r#"a="/assets/harbour-1.png";b="e.g. a.js";c="1.5";d="https://a.example/b.js";e="x.y.z()""#;
    assert_eq!(in_form(script, Form::Text), ["/assets/harbour-1.png", "https://a.example/b.js"]);
}

#[test]
fn statements_need_no_semicolons() {
    let script =
        "export {a}\nimport \"./b.js\"\nimport {import as c, export} from \"./d.js\"\nexport * from './e.js'\n";
    assert_eq!(in_form(script, Form::Import), ["./b.js", "./d.js", "./e.js"]);
}

/// Each of these would be gone through once for each of its half a million beginnings: for hours.
#[test]
fn what_never_ends_is_not_searched_for_again_and_again() {
    for piece in ["/[", "'\\", "import ", "import{", "export*from ", "import{a,import "] {
        let script = format!("{};import './a.js'", piece.repeat(500_000));
        assert!(found(&script).len() <= 1, "{piece}");
    }
}

#[test]
fn a_runtime_with_one_style_sheet_names_it() {
    for function in [
        "function(e){return\"css/about.fe712687.css\"}",
        "e=>\"css/about.fe712687.css\",",
        "function(){return\"css/about.fe712687.css\"};",
        "e=>\"css/about.fe712687.css\";",
    ] {
        let script = format!("e.exports={{}};r.miniCssF={function}");
        assert_eq!(in_form(&script, Form::ChunkName), ["css/about.fe712687.css"], "{script}");
    }
}

#[test]
fn the_hashes_of_vitepress_name_its_pages() {
    let script = r#"window.__VP_HASH_MAP__=JSON.parse("{\"guide_start.md\":\"BsghBCoZ\",\"index.md\":\"BYiAPMY3\"}");"#;
    assert_eq!(in_form(script, Form::List), ["assets/guide_start.md.BsghBCoZ.js", "assets/index.md.BYiAPMY3.js"]);
    assert_eq!(in_form("window.__VP_HASH_MAP__=JSON.parse(x)", Form::List), [""; 0]);
    let behind_a_text = r#"a="b"
__VP_HASH_MAP__=JSON.parse('{"index.md":"BYiAPMY3"}')"#;
    assert_eq!(in_form(behind_a_text, Form::List), ["assets/index.md.BYiAPMY3.js"]);
    let far = r#"x;window.__VP_HASH_MAP__=f(a,b),JSON.parse('{"index.md":"BYiAPMY3"}')"#;
    assert_eq!(in_form(far, Form::List), [""; 0]);
}

#[test]
fn resources_of_farm_are_a_list() {
    let script = r#"m.setDynamicModuleResourcesMap([{path:"About_8247.c8a46f09.css",type:1},{path:"About_8c8a.22a73333.js",type:0}],{"e":[0,1]});
route({path:"about.js",element:1});route({path:"/team",type:2});path="late.22a73333.js",type:0"#;
    assert_eq!(in_form(script, Form::List), ["About_8247.c8a46f09.css", "About_8c8a.22a73333.js"]);
    assert_eq!(
        in_form(script, Form::Text),
        ["about.js", "late.22a73333.js"],
        "those of the list are no more than that"
    );
}

#[test]
fn stencils_loader_names_the_bundles_of_elements() {
    let script =
        r#"p([["p-6c712035",[[513,"app-root",{about:[32]}],[1,"app-about"]]],["p-0a1b2c3d",[[0,"my-tabs"]]]],a)"#;
    assert_eq!(in_form(script, Form::ChunkName), ["p-6c712035.entry.js", "p-0a1b2c3d.entry.js"]);
    let data = r#"[["a1b2c3",[[1,2],[3,"north"]]],["p-6c712035",[[2,"x"]]],["about",[[1,"my-tabs"]]]]"#;
    assert_eq!(in_form(data, Form::ChunkName), [""; 0]);
    assert_eq!(in_form(r#"["p-6c712035"+[[513,"app-root"]]]"#, Form::ChunkName), [""; 0]);
}

#[test]
fn an_mdbook_names_the_index_of_its_search() {
    let script = r#"window.path_to_searchindex_js = "searchindex-d84a9304.js";"#;
    assert_eq!(in_form(script, Form::ChunkName), ["searchindex-d84a9304.js"]);
    assert_eq!(in_form(&format!("x();{script}"), Form::ChunkName), ["searchindex-d84a9304.js"]);
    for other in [r#"path_to_searchindex_js = "";"#, r#"path_to_searchindex_js = "searchindex.js";"#] {
        assert_eq!(in_form(other, Form::ChunkName), [""; 0], "{other}");
    }
}

#[test]
fn routes_name_their_modules_wherever_they_are_served() {
    let script = r#"{"routes/_index":{"path":"/","module":"https://cdn.example.com/assets/_index-vBi_YRAs.js","imports":
["https://cdn.example.com/assets/jsx-56DGgGmo.js"]},"a":{module:"/assets/about-CkQxNlLp.js"},"b":{"main":"/assets/about.js"}}"#;
    let expected = [
        "https://cdn.example.com/assets/_index-vBi_YRAs.js",
        "https://cdn.example.com/assets/jsx-56DGgGmo.js",
        "/assets/about-CkQxNlLp.js",
    ];
    assert_eq!(in_form(script, Form::List), expected);
    assert_eq!(in_form(r#"{"module":"dist/index.mjs"}"#, Form::List), [""; 0]);
}

#[test]
fn webpack_4_loads_the_style_sheets_of_chunks_that_have_one() {
    let script = r#"r.e=function(e){var t=[],n={5:1};o[e]?t.push(o[e]):0!==o[e]&&{3:1,5:1}[e]&&t.push(o[e]=new Promise((function(t,r){
for(var n="static/css/"+({5:"late"}[e]||e)+"."+{3:"8b1afb40",4:"31d6cfe0",5:"0c1d2e3f",6:"d41d8cd9"}[e]+".chunk.css",a=i.p+n;;)t()})))}"#;
    assert_eq!(
        in_form(script, Form::ChunkName),
        ["static/css/3.8b1afb40.chunk.css", "static/css/late.0c1d2e3f.chunk.css"]
    );
}

#[test]
fn webpack_4_may_begin_the_name_of_a_style_sheet_with_that_of_its_chunk() {
    for (name, expected) in [
        (r#"{3:"8b1afb40",5:"0c1d2e3f"}[e]+".css""#, ["0c1d2e3f.css", "8b1afb40.css"]),
        (r#"({5:"late"}[e]||e)+"."+{3:"8b1afb40",5:"0c1d2e3f"}[e]+".css""#, ["3.8b1afb40.css", "late.0c1d2e3f.css"]),
        (r#"e+"."+{3:"8b1afb40",5:"0c1d2e3f"}[e]+".css""#, ["3.8b1afb40.css", "5.0c1d2e3f.css"]),
    ] {
        for word in ["var", "let", "const"] {
            let script = format!(
                "0!==o[e]&&{{3:1,5:1}}[e]&&t.push(o[e]=new Promise((t=>{{for({word} n={name},a=i.p+n;;)t()}})))"
            );
            let mut found = in_form(&script, Form::ChunkName);
            found.sort();
            assert_eq!(found, expected, "{script}");
        }
    }
    for no_runtime in [
        r#"var n={3:"8b1afb40",5:"0c1d2e3f"}[e]+".css""#,
        r#"0!==o[e]&&{3:1,5:1}[e]&&t.push(e);var n;{3:"8b1afb40",5:"0c1d2e3f"}[e]+".css""#,
        r#"3:1}[e]&&t.push(e);var n={3:"8b1afb40"}[e]+".css""#,
        r#"(3:1}[e]&&t.push(e);var n={3:"8b1afb40"}[e]+".css""#,
    ] {
        assert_eq!(in_form(no_runtime, Form::ChunkName), [""; 0], "{no_runtime}");
    }
}

#[test]
fn workers_below_the_public_path_are_loaded() {
    let script = r#"e.exports=()=>new Worker(n.p+"9f153282a7c04d1be365.worker.js",{name:"a"});new SharedWorker(r.p+"js/b.3c1e8b70.js");
new Worker(n.p+"worker.js");new Worker(n.p+"9f153282a7c04d1be365");new Worker(x.q+"c.3c1e8b70.js");new Image(n.p+"d.3c1e8b70.js")"#;
    assert_eq!(in_form(script, Form::List), ["9f153282a7c04d1be365.worker.js", "js/b.3c1e8b70.js"]);
}

#[test]
fn the_script_of_a_component_is_no_list() {
    let script = r#"s.jsx("script",{src:"/assets/tracker-3f9c2e1b.js"});["$","script",{"src":"/assets/a-3f9c2e1b.js"}];
w="/assets/worker-3f9c2e1b.js";element.src="/assets/late-3f9c2e1b.js""#;
    assert_eq!(in_form(script, Form::List), ["/assets/worker-3f9c2e1b.js", "/assets/late-3f9c2e1b.js"]);
}

#[test]
fn webpack_4_may_have_many_chunks_with_a_style_sheet() {
    let row =
        |value: &dyn Fn(u32) -> String| (0..40).map(|id| format!("{id}:{}", value(id))).collect::<Vec<_>>().join(",");
    let [ones, hashes] = [row(&|_| "1".to_owned()), row(&|id| format!("\"8b1afb{id:02}\""))];
    let script = format!(
        r#"0!==o[e]&&{{{ones}}}[e]&&t.push(o[e]=new Promise((function(t,r){{for(var n="css/"+e+"."+{{{hashes}}}[e]+".css";;)t()}})))"#
    );
    assert_eq!(in_form(&script, Form::ChunkName).len(), 40);
}

#[test]
fn a_table_of_endless_names_gives_none() {
    let (long, keys) = ("a".repeat(100_000), (0..20_000).map(|id| format!("{id}:1,")).collect::<String>());
    for before in ["{1:1}[e]&&x;var n=", "e=>", "return "] {
        let script = format!(r#"{before}"{long}"+{{{keys}}}[e]+".css""#);
        assert_eq!(in_form(&script, Form::ChunkName), [""; 0]);
    }
}

#[test]
fn the_name_of_a_host_is_no_hash() {
    let script = r#"a="https://d111111abcdef8.cloudfront.net/embed.js";b="https://docs2024.example.com/x-3f9c2e1b.js""#;
    assert_eq!(in_form(script, Form::List), ["https://docs2024.example.com/x-3f9c2e1b.js"]);
}
