//! Makes `dcc_cancel_dl.h` from the prototypes of `dcc_cancel.h`.

/// The name of a parameter: the last word of its text.
fn last_word(parameter: &str) -> &str {
    let between_words = |letter: char| !(letter.is_alphanumeric() || letter == '_');
    parameter.trim().rsplit(between_words).next().unwrap_or_default()
}

/// The largest width of a line.
const WIDTH: usize = 100;

/// Wraps a line of C that is too long, after commas; further lines are indented by `indent` columns.
pub fn wrapped(line: &str, indent: usize) -> String {
    let mut text = String::new();
    let mut now = String::new();
    for part in line.split_inclusive(", ") {
        if now.len() + part.trim_end().len() > WIDTH {
            text += now.trim_end();
            text.push('\n');
            now = " ".repeat(indent);
        }
        now += part;
    }
    text + &now
}

/// Wraps a line; further lines are indented by four columns more.
fn wrapped_inside(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    wrapped(line, indent + 4)
}

/// One function of the header.
struct Prototype {
    result: String,
    name: String,
    parameters: String,
    /// Whether there is also a macro of this name, which adds the place of the call.
    is_macro: bool,
}

impl Prototype {
    /// The names of the parameters, in the form of a call.
    fn arguments(&self) -> String {
        match self.parameters.as_str() {
            "void" => String::new(),
            list => list.split(',').map(last_word).collect::<Vec<_>>().join(", "),
        }
    }

    /// The answer of the function while no library is loaded.
    fn answer_before_loading(&self) -> &str {
        let asks = ["is_cancelled", "check_cancelled", "check_current", "library_call_ask"];
        let polls = self.name.starts_with("dcc_poll_");
        match self.result.as_str() {
            "dcc_status" if polls || asks.iter().any(|verb| self.name.ends_with(verb)) => "DCC_OK",
            "dcc_status" => "DCC_ERROR_UNSUPPORTED",
            "const char *" => {
                "\"dcc-cancel is not loaded; call dcc_cancel_load before anything else\""
            }
            pointer if pointer.ends_with('*') => "NULL",
            _ => "0",
        }
    }

    /// The values that the function writes through its parameters while no library is loaded: those
    /// that the library's own functions write when they fail, and empty snapshots.
    fn results_before_loading(&self) -> String {
        let write = |parameter: &str| {
            let name = last_word(parameter);
            match parameter[..parameter.len() - name.len()].trim() {
                "char *" => {
                    format!("    if ({name} != NULL && size > 0)\n        *{name} = '\\0';\n")
                }
                "dcc_native_event *" => {
                    format!("    if ({name} != NULL)\n        *{name} = DCC_NO_NATIVE_EVENT;\n")
                }
                "size_t *" | "uint64_t *" | "dcc_ticket *" | "dcc_cause *" => {
                    format!("    if ({name} != NULL)\n        *{name} = 0;\n")
                }
                "dcc_poll_layer *" => format!(
                    "    if ({name} == NULL)\n        return DCC_ERROR_INVALID_ARGUMENT;\n    \
                     *{name} = dcc_cancel_quiet_layer_();\n"
                ),
                "dcc_poll_pair *" => format!(
                    "    if ({name} == NULL)\n        return DCC_ERROR_INVALID_ARGUMENT;\n    \
                     {name}->token = {name}->job = dcc_cancel_quiet_layer_();\n"
                ),
                result if result.ends_with("**") && !result.starts_with("const") => {
                    format!("    if ({name} != NULL)\n        *{name} = NULL;\n")
                }
                _ => String::new(),
            }
        };
        self.parameters.split(", ").map(write).collect()
    }

    fn wrapper(&self) -> String {
        let Self { result, name, parameters, .. } = self;
        let space = if result.ends_with('*') { "" } else { " " };
        // A name in parentheses is not expanded as a macro.
        let (defined, called) = if self.is_macro {
            (format!("({name})"), format!("(api->{name})"))
        } else {
            (name.clone(), format!("api->{name}"))
        };
        let head = wrapped_inside(&format!("DCC_API {result}{space}{defined}({parameters})"));
        let call = wrapped_inside(&format!("        return {called}({});", self.arguments()));
        let (results, answer) = (self.results_before_loading(), self.answer_before_loading());
        format!(
            "{head}\n{{\n    const dcc_cancel_api *api = dcc_cancel_api_now();\n    \
             if (api != NULL && api->{name} != NULL)\n{call}\n{results}    return {answer};\n}}\n\n"
        )
    }

    fn member(&self) -> String {
        wrapped_inside(&format!("    {} (*{})({});", self.result, self.name, self.parameters))
            + "\n"
    }

    fn lookup(&self) -> String {
        let name = &self.name;
        wrapped_inside(&format!("    dcc_cancel_symbol_(library, \"{name}\", &api->{name});"))
            + "\n"
    }
}

fn without_comments(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some(start) = rest.find("/*") {
        kept.push_str(&rest[..start]);
        let end = rest[start..].find("*/").expect("a comment ends") + start + 2;
        rest = &rest[end..];
    }
    kept + rest
}

fn prototypes(header: &str) -> Vec<Prototype> {
    let code = without_comments(header);
    let declared = code.split("\nDCC_API ").skip(1);
    declared
        .map(|rest| rest.split_once(';').expect("a declaration ends").0)
        .map(|declaration| declaration.split_whitespace().collect::<Vec<_>>().join(" "))
        .map(|declaration| {
            let (head, parameters) = declaration.split_once('(').expect("a function");
            let name_at = head.rfind([' ', '*']).expect("a result type") + 1;
            let name = head[name_at..].to_owned();
            Prototype {
                result: head[..name_at].trim().to_owned(),
                is_macro: header.contains(&format!("\n#define {name}(")),
                name,
                parameters: parameters.trim_end_matches(')').to_owned(),
            }
        })
        .collect()
}

/// The names of the header's functions.
pub fn function_names(header: &str) -> Vec<String> {
    prototypes(header).into_iter().map(|function| function.name).collect()
}

/// Makes the loader's header for this header.
pub fn generate(header: &str) -> String {
    let functions = prototypes(header);
    let all = |part: fn(&Prototype) -> String| functions.iter().map(part).collect::<String>();
    include_str!("dcc_cancel_dl.h.in")
        .replace("@TABLE@", &all(Prototype::member))
        .replace("@WRAPPERS@", &all(Prototype::wrapper))
        .replace("@LOOKUPS@", &all(Prototype::lookup))
}
