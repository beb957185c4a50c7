//! The server's own document, and whether an answer is as it says: walked beside its schema, member by member.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::http::Answer;

/// Where anybody may keep anything.
const FREE: &str = "metadata";

/// What `/openapi.json` says, and what of it was seen in answers.
pub struct Document {
    text: Value,
    seen: BTreeSet<String>,
}

impl Document {
    pub fn of(text: Value) -> Self {
        Self { text, seen: BTreeSet::new() }
    }

    /// Finds what an answer has that the document does not, or that it lacks.
    pub fn differences(&mut self, method: &str, path: &str, answer: &Answer) -> Vec<String> {
        let template = template(&self.text, path);
        let responses = &self.text["paths"][template][method.to_lowercase()]["responses"];
        let status = answer.status.to_string();
        let class = format!("{}XX", answer.status / 100);
        let response = responses.get(&status).or_else(|| responses.get(&class));
        let kind = answer.header("content-type").unwrap().split(';').next().unwrap();
        let Some(schema) = response.and_then(|it| it["content"][kind].get("schema")) else {
            return vec![format!("{method} {template} has no {status} with {kind}")];
        };
        let mut walk = Walk { text: &self.text, seen: &mut self.seen, wrong: Vec::new() };
        walk.value(("", schema), &answer.json(), "answer");
        walk.wrong
    }

    /// The members that the document promises for answers and that none of them had.
    pub fn unseen(&self) -> Vec<String> {
        let mut promised = BTreeSet::new();
        let operations = members(&self.text["paths"]).flat_map(members);
        for response in operations.flat_map(|operation| members(&operation["responses"])) {
            for content in members(&response["content"]) {
                promise(&self.text, ("", &content["schema"]), &mut promised);
            }
        }
        promised.difference(&self.seen).cloned().collect()
    }
}

/// The path of the document that leads there.
fn template<'a>(text: &'a Value, path: &str) -> &'a str {
    let given: Vec<&str> = path.split('?').next().unwrap().split('/').collect();
    let leads = |template: &&String| {
        let parts: Vec<&str> = template.split('/').collect();
        let fits = |(part, given): (&&str, &&str)| part == given || part.starts_with('{');
        parts.len() == given.len() && parts.iter().zip(&given).all(fits)
    };
    let found = text["paths"].as_object().unwrap().keys().find(leads);
    found.unwrap_or_else(|| panic!("{path} is not in the document"))
}

/// A schema, and the name of the one in which it stands.
type Named<'a> = (&'a str, &'a Value);

/// One answer beside what is promised.
struct Walk<'a> {
    text: &'a Value,
    seen: &'a mut BTreeSet<String>,
    wrong: Vec<String>,
}

impl<'a> Walk<'a> {
    fn value(&mut self, schema: Named<'a>, value: &Value, at: &str) {
        let pieces = pieces(self.text, schema, value);
        let kinds: Vec<&Value> = pieces.iter().filter_map(|(_, it)| it.get("type")).collect();
        if kinds.is_empty() {
            if !at.contains(&format!(".{FREE}.")) {
                self.wrong.push(format!("{at} may be anything, or nothing of what may be there"));
            }
            return;
        }
        if let Some(kind) = kinds.into_iter().find(|kind| !is_kind(kind, value)) {
            self.wrong.push(format!("{at} is not {kind}"));
        }
        match value {
            Value::Object(found) => self.members(&pieces, found, at),
            Value::Array(values) => {
                let items = pieces.iter().find_map(|(owner, it)| Some((*owner, it.get("items")?)));
                for value in values {
                    match items {
                        Some(items) => self.value(items, value, &format!("{at}[]")),
                        None => self.wrong.push(format!("{at} has values of any kind")),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
        }
    }

    fn members(&mut self, pieces: &[Named<'a>], found: &Map<String, Value>, at: &str) {
        let required = pieces.iter().filter_map(|(_, it)| it.get("required")?.as_array()).flatten();
        for name in required.filter_map(Value::as_str).filter(|name| !found.contains_key(*name)) {
            self.wrong.push(format!("{at} has no {name}"));
        }
        for (name, value) in found {
            let own = pieces.iter().find_map(|(owner, it)| Some((*owner, it.get("properties")?.get(name)?)));
            let any =
                || pieces.iter().find_map(|(owner, it)| Some((*owner, it.get("additionalProperties")?)));
            let at = format!("{at}.{name}");
            match own.or_else(any) {
                Some(schema) => {
                    self.seen.insert(format!("{}.{name}", schema.0));
                    self.value(schema, value, &at);
                }
                None => self.wrong.push(format!("{at} is not in the document")),
            }
        }
    }
}

/// All that a schema says about a value, once its references are followed: of several that may be there, the one that is.
fn pieces<'a>(text: &'a Value, (owner, schema): Named<'a>, value: &Value) -> Vec<Named<'a>> {
    if let Some(name) = reference(schema) {
        return pieces(text, (name, &text["components"]["schemas"][name]), value);
    }
    if let Some(several) = schema.get("oneOf").and_then(Value::as_array) {
        let chosen = several.iter().filter(|it| (it["type"] == "null") == value.is_null());
        return chosen.flat_map(|it| pieces(text, (owner, it), value)).collect();
    }
    let parts = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
    let mut all: Vec<Named<'a>> = parts.flat_map(|part| pieces(text, (owner, part), value)).collect();
    all.push((owner, schema));
    all
}

fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/components/schemas/")
}

fn is_kind(kind: &Value, value: &Value) -> bool {
    let is = |kind: &Value| match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    };
    kind.as_array().map_or_else(|| is(kind), |kinds| kinds.iter().any(is))
}

/// All members that a schema promises, with the name of the schema that has them.
fn promise(text: &Value, (owner, schema): Named<'_>, promised: &mut BTreeSet<String>) {
    if let Some(name) = reference(schema) {
        return promise(text, (name, &text["components"]["schemas"][name]), promised);
    }
    for several in ["oneOf", "allOf"] {
        for part in schema.get(several).and_then(Value::as_array).into_iter().flatten() {
            promise(text, (owner, part), promised);
        }
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(inner) {
            promise(text, (owner, inner), promised);
        }
    }
    for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        // A schema may have itself inside.
        if promised.insert(format!("{owner}.{name}")) {
            promise(text, (owner, schema), promised);
        }
    }
}

fn members(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_object().into_iter().flat_map(Map::values)
}
