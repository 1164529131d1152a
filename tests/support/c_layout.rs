//! The sizes of the header's structures and the offsets of their fields, as C lays them out on
//! 64-bit platforms.

#![allow(dead_code, reason = "each test uses a part of it")]

use super::c_header::{Field, Header, Structure, Type};

/// A structure with the places of its fields.
#[derive(Debug, Clone)]
pub struct Layout {
    pub name: String,
    pub size: usize,
    pub align: usize,
    pub fields: Vec<Place>,
}

/// A field and its place.
#[derive(Debug, Clone)]
pub struct Place {
    pub field: Field,
    pub offset: usize,
    pub size: usize,
}

impl Layout {
    /// The field of this name.
    pub fn place(&self, name: &str) -> &Place {
        let found = self.fields.iter().find(|place| place.field.name == name);
        found.unwrap_or_else(|| panic!("{} has no field {name}", self.name))
    }
}

/// The layout of a structure of the header.
pub fn layout(header: &Header, structure: &Structure) -> Layout {
    let mut fields = Vec::new();
    let (mut end, mut align) = (0_usize, 1);
    for field in &structure.fields {
        let (size, own_align) = size_and_align(header, &field.kind);
        let offset = end.next_multiple_of(own_align);
        fields.push(Place { field: field.clone(), offset, size });
        end = offset + size;
        align = align.max(own_align);
    }
    Layout { name: structure.name.clone(), size: end.next_multiple_of(align), align, fields }
}

/// Size and alignment of a type.
pub fn size_and_align(header: &Header, kind: &Type) -> (usize, usize) {
    if let Some(length) = &kind.array {
        let length = length.parse().ok().or_else(|| header.number(length)?.try_into().ok());
        let length: usize = length.unwrap_or_else(|| panic!("the length of {kind}"));
        let (size, align) = size_and_align(header, &Type { array: None, ..kind.clone() });
        return (size * length, align);
    }
    let is_function = kind.function.is_some() || header.function_type(&kind.base).is_some();
    if kind.depth() > 0 || is_function {
        return (8, 8);
    }
    match kind.base.as_str() {
        "char" => (1, 1),
        "int32_t" | "uint32_t" => (4, 4),
        "int64_t" | "uint64_t" | "size_t" | "intptr_t" | "uintptr_t" | "ptrdiff_t" | "double" => {
            (8, 8)
        }
        base => {
            if let Some(alias) = header.aliases.iter().find(|alias| alias.name == base) {
                return size_and_align(header, &alias.kind);
            }
            let structure = header.structure(base);
            let structure = structure.unwrap_or_else(|| panic!("the size of {kind} is not known"));
            let layout = layout(header, structure);
            (layout.size, layout.align)
        }
    }
}
