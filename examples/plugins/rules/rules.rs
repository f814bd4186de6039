//! An HTTP filter in Rust without crates: rules in order; the first that matches a request says what becomes of it.
//!
//! ```yaml
//! http_filters:
//!   - name: rules
//!     typed_config:
//!       rules:
//!         - { prefix: /admin, deny: 403 }
//!         - { header: { name: x-bot, value: "yes" }, deny: 429 }
//!         - { prefix: /v1/, add: { name: x-api, value: v1 } }
//!   - { name: mux }
//! ```

struct Pair {
    name: String,
    value: String,
}

enum Action {
    Deny(u32),
    Add(Pair),
}

struct Rule {
    prefix: Option<String>,
    header: Option<Pair>,
    action: Action,
}

struct Rules {
    rules: Vec<Rule>,
}

fn pair(node: weir::Node<'_>) -> Option<Pair> {
    let name = node.get("name").string();
    let value = node.get("value").string();
    Some(Pair { name: name?.to_ascii_lowercase(), value: value? })
}

fn rule(node: weir::Node<'_>) -> Option<Rule> {
    if !node.is_map() {
        return node.fail("a rule is a mapping with prefix or header, and deny or add");
    }
    let (prefix, header) = (node.get("prefix"), node.get("header"));
    let (deny, add) = (node.get("deny"), node.get("add"));
    if deny.exists() == add.exists() {
        return node.fail("a rule has one of deny and add");
    }
    let prefix = if prefix.exists() { Some(prefix.string()?) } else { None };
    let header = if header.exists() { Some(pair(header)?) } else { None };
    let action = if deny.exists() {
        Action::Deny(deny.integer(400, 599)? as u32)
    } else {
        Action::Add(pair(add)?)
    };
    Some(Rule { prefix, header, action })
}

impl weir::Config for Rules {
    fn load(node: weir::Node<'_>) -> Option<Self> {
        let list = node.get("rules");
        if !list.is_list() {
            return if list.exists() { list.fail("rules must be a list") } else { node.fail("rules is missing") };
        }
        // All mistakes, not the first one alone.
        let rules: Vec<Option<Rule>> = (0..list.count()).map(|index| rule(list.at(index))).collect();
        Some(Rules { rules: rules.into_iter().collect::<Option<Vec<Rule>>>()? })
    }
}

impl Rule {
    fn matches(&self, path: &[u8], stream: &weir::Stream) -> bool {
        let prefix = self.prefix.as_ref().map_or(true, |prefix| path.starts_with(prefix.as_bytes()));
        prefix
            && self.header.as_ref().map_or(true, |header| {
                stream.request().is(&header.name, header.value.as_bytes())
            })
    }
}

struct Filter {
    config: &'static Rules,
}

impl weir::HttpFilter for Filter {
    type Config = Rules;
    const HOOKS: u32 = weir::REQUEST_HEADERS;

    fn new(config: &'static Rules) -> Self {
        Filter { config }
    }

    fn request_headers(&mut self, stream: &weir::Stream, _end: bool) -> weir::Status {
        let path = stream.path();
        let found = self.config.rules.iter().find(|rule| rule.matches(&path, stream));
        let done = match found.map(|rule| &rule.action) {
            None => true,
            Some(Action::Add(field)) => stream.request().set(&field.name, &field.value),
            Some(Action::Deny(status)) => {
                if stream.local_reply(*status, b"denied by a rule\n", "rules_denied") {
                    return weir::Status::StopAll;
                }
                false
            }
        };
        if done {
            weir::Status::Continue
        } else {
            weir::Status::Fail
        }
    }
}

weir::http_filter!("rules", "1.0", Filter);
