//! Reads what `include/dcc_cancel.h` declares: functions, structures, function types, constants and
//! handles. It is for tests and generators that have to cover all of these. So a line that it does
//! not understand is an error that names the line. It understands the C of that header and no more.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::fmt;

/// All that a header declares, in the order of the header.
#[derive(Debug, Default, Clone)]
pub struct Header {
    /// The exported functions.
    pub functions: Vec<Function>,
    /// The functions whose bodies are in the header.
    pub inline_functions: Vec<Function>,
    /// Structures that have fields.
    pub structures: Vec<Structure>,
    /// Names of the structures without fields: handles point to these.
    pub handles: Vec<String>,
    /// Named types of functions, such as `dcc_cancel_fn`. The function's name is the name of the
    /// type.
    pub function_types: Vec<Function>,
    /// Names for other types, such as `dcc_status`.
    pub aliases: Vec<Field>,
    /// Constants.
    pub constants: Vec<Constant>,
    /// Names of the macros that take arguments.
    pub macros: Vec<String>,
}

/// A function, or a type of functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub result: Type,
    pub parameters: Vec<Field>,
}

/// A structure that has fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    pub name: String,
    pub fields: Vec<Field>,
}

/// A name with its type: a parameter, a field, an alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub kind: Type,
}

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Type {
    /// The name without `struct` and `const`: `char`, `uint32_t`, `dcc_job`. The word `function`
    /// for a pointer to a function whose type has no name.
    pub base: String,
    /// Whether the base is const.
    pub is_const: bool,
    /// One element for each `*`, from the base outwards: whether that pointer itself is const.
    pub pointers: Vec<bool>,
    /// The number of elements if this is an array: a number or the name of a constant.
    pub array: Option<String>,
    /// The function's type, if this is a pointer to a function whose type has no name.
    pub function: Option<Box<Function>>,
}

/// What a constant is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(i128),
    /// A text.
    Text(String),
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constant {
    pub name: String,
    pub value: Value,
}

impl Type {
    /// The number of its `*`.
    pub fn depth(&self) -> usize {
        self.pointers.len()
    }

    /// Whether the outermost pointer points to something const. True for `const char *const *`.
    pub fn points_to_const(&self) -> bool {
        match self.depth() {
            0 => false,
            1 => self.is_const,
            depth => self.pointers[depth - 2],
        }
    }
}

impl fmt::Display for Type {
    /// As C writes it, without `struct`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(function) = &self.function {
            return write!(out, "{} (*)({})", function.result, Parameters(&function.parameters));
        }
        write!(out, "{}{}", if self.is_const { "const " } else { "" }, self.base)?;
        for (number, is_const) in self.pointers.iter().enumerate() {
            let space = if number == 0 { " " } else { "" };
            write!(out, "{space}*{}", if *is_const { "const " } else { "" })?;
        }
        match &self.array {
            Some(length) => write!(out, "[{length}]"),
            None => Ok(()),
        }
    }
}

struct Parameters<'a>(&'a [Field]);

impl fmt::Display for Parameters<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("void");
        }
        for (number, parameter) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(out, "{comma}{}", parameter.kind)?;
        }
        Ok(())
    }
}

impl fmt::Display for Function {
    /// Its signature without the names of parameters, for comparisons and messages.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}({})", self.result, self.name, Parameters(&self.parameters))
    }
}

impl Header {
    /// The function of this name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }

    /// The structure of this name.
    pub fn structure(&self, name: &str) -> Option<&Structure> {
        self.structures.iter().find(|structure| structure.name == name)
    }

    /// The type of functions of this name.
    pub fn function_type(&self, name: &str) -> Option<&Function> {
        self.function_types.iter().find(|function| function.name == name)
    }

    /// The number that a constant stands for.
    pub fn number(&self, name: &str) -> Option<i128> {
        let constant = self.constants.iter().find(|constant| constant.name == name)?;
        match constant.value {
            Value::Number(number) => Some(number),
            Value::Text(_) => None,
        }
    }

    /// Whether this is the structure that a handle points to.
    pub fn is_handle(&self, base: &str) -> bool {
        self.handles.iter().any(|handle| handle == base)
    }

    /// Whether a call writes through this parameter, as through `size_t *out_length`, `char
    /// *buffer` and `struct dcc_job **out_job`. A handle and user data are pointers through which
    /// calls do not write.
    pub fn is_out(&self, parameter: &Type) -> bool {
        let is_opaque = self.is_handle(&parameter.base) || parameter.base == "void";
        let written = if is_opaque { 2 } else { 1 };
        parameter.function.is_none() && parameter.depth() >= written && !parameter.points_to_const()
    }

    /// Reads a header.
    pub fn parse(source: &str) -> Result<Self, String> {
        let mut header = Self::default();
        let code = header.preprocess(&without_comments(source)?)?;
        let mut parser = Parser { tokens: tokens(&code)?, next: 0 };
        while parser.next < parser.tokens.len() {
            parser.declaration(&mut header)?;
        }
        header.check_names()?;
        Ok(header)
    }

    /// Stores the constants, and returns the lines that a C compiler sees: gcc, and not as C++.
    fn preprocess(&mut self, source: &str) -> Result<String, String> {
        const DEFINED: &[&str] = &["__GNUC__"];
        let mut code = String::new();
        let mut taken = Vec::new();
        for line in source.replace("\\\n", " ").lines() {
            let Some(directive) = line.trim().strip_prefix('#') else {
                if taken.iter().all(|is_taken| *is_taken) {
                    code.push_str(line);
                    code.push('\n');
                }
                continue;
            };
            let (word, rest) =
                directive.trim().split_once(char::is_whitespace).unwrap_or((directive.trim(), ""));
            let rest = rest.trim();
            match word {
                "ifdef" => taken.push(DEFINED.contains(&rest)),
                "ifndef" => taken.push(!DEFINED.contains(&rest)),
                "if" => taken.push(holds(rest, DEFINED)?),
                "else" => {
                    let last = taken.last_mut().ok_or_else(|| format!("no #if before: {line}"))?;
                    *last = !*last;
                }
                "endif" => {
                    taken.pop().ok_or_else(|| format!("no #if before: {line}"))?;
                }
                "include" => {}
                "define" if taken.iter().all(|is_taken| *is_taken) => self.define(rest)?,
                "define" => {}
                _ => return Err(format!("an unknown directive: {line}")),
            }
        }
        Ok(code)
    }

    fn define(&mut self, definition: &str) -> Result<(), String> {
        let name: String =
            definition.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let rest = &definition[name.len()..];
        if rest.starts_with('(') {
            self.macros.push(name);
            return Ok(());
        }
        let value = rest.trim();
        // The header's include guard has no value.
        if value.is_empty() {
            return Ok(());
        }
        let value = match value {
            "SIZE_MAX" | "UINT64_MAX" => Value::Number(i128::from(u64::MAX)),
            _ if value.starts_with('"') => Value::Text(value.trim_matches('"').to_owned()),
            _ => {
                Value::Number(value.parse().map_err(|_| format!("an unknown value: {definition}"))?)
            }
        };
        self.constants.push(Constant { name, value });
        Ok(())
    }

    /// Checks that each type is a type of C or declared in the header.
    fn check_names(&self) -> Result<(), String> {
        const BASIC: &[&str] = &[
            "void",
            "char",
            "double",
            "float",
            "int",
            "int32_t",
            "int64_t",
            "uint8_t",
            "uint16_t",
            "uint32_t",
            "uint64_t",
            "size_t",
            "ptrdiff_t",
        ];
        let declared = |base: &str| {
            BASIC.contains(&base)
                || self.is_handle(base)
                || self.structure(base).is_some()
                || self.function_type(base).is_some()
                || self.aliases.iter().any(|alias| alias.name == base)
        };
        let check = |owner: &str, kind: &Type| match &kind.function {
            None if !declared(&kind.base) => Err(format!("{owner}: an unknown type {kind}")),
            _ => Ok(()),
        };
        for alias in &self.aliases {
            check(&alias.name, &alias.kind)?;
        }
        for structure in &self.structures {
            for field in &structure.fields {
                check(&structure.name, &field.kind)?;
            }
        }
        for list in [&self.functions, &self.inline_functions, &self.function_types] {
            for function in list {
                check(&function.name, &function.result)?;
                for parameter in &function.parameters {
                    check(&function.name, &parameter.kind)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a condition of `defined(NAME)`s holds.
fn holds(condition: &str, defined: &[&str]) -> Result<bool, String> {
    let term = |text: &str| {
        let (text, wanted) = match text.trim().strip_prefix('!') {
            Some(text) => (text, false),
            None => (text, true),
        };
        let name = text.trim().strip_prefix("defined(").and_then(|text| text.strip_suffix(')'));
        let name = name.ok_or_else(|| format!("an unknown condition: {condition}"))?;
        Ok::<bool, String>(defined.contains(&name) == wanted)
    };
    let mut any = false;
    for part in condition.split("||") {
        let mut all = true;
        for part in part.split("&&") {
            all &= term(part)?;
        }
        any |= all;
    }
    Ok(any)
}

/// C without its comments.
fn without_comments(source: &str) -> Result<String, String> {
    let mut rest = source;
    let mut kept = String::new();
    while let Some((before, comment)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = comment.split_once("*/").ok_or("a comment does not end")?.1;
    }
    Ok(kept + rest)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Mark(char),
}

impl fmt::Display for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => out.write_str(word),
            Self::Mark(mark) => write!(out, "{mark}"),
        }
    }
}

fn tokens(code: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut letters = code.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_alphanumeric() || letter == '_' {
            let mut word = String::from(letter);
            while let Some(next) = letters.next_if(|c| c.is_alphanumeric() || *c == '_') {
                word.push(next);
            }
            found.push(Token::Word(word));
        } else if letter.is_ascii_punctuation() {
            found.push(Token::Mark(letter));
        } else if !letter.is_whitespace() {
            return Err(format!("an unknown letter: {letter:?}"));
        }
    }
    Ok(found)
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
}

impl Parser {
    fn next(&mut self) -> Result<Token, String> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token.ok_or_else(|| "the header ends in a declaration".to_owned())
    }

    fn takes_token(&mut self, token: &Token) -> bool {
        let is_next = self.tokens.get(self.next) == Some(token);
        self.next += usize::from(is_next);
        is_next
    }

    fn takes(&mut self, mark: char) -> bool {
        self.takes_token(&Token::Mark(mark))
    }

    fn takes_word(&mut self, word: &str) -> bool {
        self.takes_token(&Token::Word(word.to_owned()))
    }

    fn expect(&mut self, mark: char, of: &str) -> Result<(), String> {
        match self.next()? {
            Token::Mark(found) if found == mark => Ok(()),
            found => Err(format!("{of}: {mark:?} is expected, not {found}")),
        }
    }

    fn word(&mut self, of: &str) -> Result<String, String> {
        match self.next()? {
            Token::Word(word) => Ok(word),
            found => Err(format!("{of}: a name is expected, not {found}")),
        }
    }

    fn declaration(&mut self, header: &mut Header) -> Result<(), String> {
        if self.takes_word("typedef") {
            return self.definition_of_a_type(header);
        }
        self.takes_word("DCC_API");
        let is_inline = self.takes_word("static");
        if is_inline && !self.takes_word("inline") {
            return Err("a static function that is not inline".to_owned());
        }
        let declared = self.field("a declaration")?;
        self.expect('(', &declared.name)?;
        let parameters = self.parameters(&declared.name)?;
        let function = Function { name: declared.name, result: declared.kind, parameters };
        if is_inline && self.takes(';') {
            // This is a prototype; the body follows further down.
        } else if is_inline {
            self.skip_body(&function.name)?;
            header.inline_functions.push(function);
        } else {
            self.expect(';', &function.name)?;
            header.functions.push(function);
        }
        Ok(())
    }

    fn definition_of_a_type(&mut self, header: &mut Header) -> Result<(), String> {
        if self.takes_word("struct") {
            let tag = self.word("a structure")?;
            let mut fields = None;
            if self.takes('{') {
                let fields = fields.insert(Vec::new());
                while !self.takes('}') {
                    fields.push(self.field(&tag)?);
                    self.expect(';', &tag)?;
                }
            }
            let name = self.word(&tag)?;
            self.expect(';', &tag)?;
            if name != tag {
                return Err(format!("struct {tag} is called {name}, too"));
            }
            match fields {
                Some(fields) => header.structures.push(Structure { name, fields }),
                None => header.handles.push(name),
            }
            return Ok(());
        }
        let declared = self.field("a typedef")?;
        self.expect(';', &declared.name)?;
        match declared.kind.function {
            Some(function) => header.function_types.push(*function),
            None => header.aliases.push(declared),
        }
        Ok(())
    }

    /// A type, and the name that stands in the middle of it or behind it.
    fn field(&mut self, of: &str) -> Result<Field, String> {
        let mut is_const = self.takes_word("const");
        self.takes_word("struct");
        let base = self.word(of)?;
        is_const |= self.takes_word("const");
        let mut pointers = Vec::new();
        while self.takes('*') {
            pointers.push(self.takes_word("const"));
        }
        let mut kind = Type { base, is_const, pointers, array: None, function: None };
        if self.takes('(') {
            self.expect('*', of)?;
            let name = self.word(of)?;
            self.expect(')', &name)?;
            self.expect('(', &name)?;
            let parameters = self.parameters(&name)?;
            let function = Function { name: name.clone(), result: kind, parameters };
            let kind = Type {
                base: "function".to_owned(),
                is_const: false,
                pointers: Vec::new(),
                array: None,
                function: Some(Box::new(function)),
            };
            return Ok(Field { name, kind });
        }
        let name = self.word(of)?;
        if self.takes('[') {
            kind.array = Some(self.word(&name)?);
            self.expect(']', &name)?;
        }
        Ok(Field { name, kind })
    }

    /// The parameters: the text behind the opening parenthesis, up to and with the closing one.
    fn parameters(&mut self, of: &str) -> Result<Vec<Field>, String> {
        let start = self.next;
        if self.takes_word("void") && self.takes(')') {
            return Ok(Vec::new());
        }
        self.next = start;
        let mut found = vec![self.field(of)?];
        while !self.takes(')') {
            self.expect(',', of)?;
            found.push(self.field(of)?);
        }
        Ok(found)
    }

    fn skip_body(&mut self, of: &str) -> Result<(), String> {
        self.expect('{', of)?;
        let mut depth = 1;
        while depth > 0 {
            match self.next()? {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') => depth -= 1,
                _ => {}
            }
        }
        Ok(())
    }
}
