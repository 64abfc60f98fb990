//! The types that WIT has by itself: numbers, strings and lists.

use super::layout::{Flat, Layout};
use super::lift::{FlatValues, Lift, Reading};
use super::lower::{FlatSlots, Lower, Writing};
use crate::message::GivenName;

macro_rules! integer {
    ($type:ty, $kind:ident, $next:ident, $put:ident $(, $store_all:item)?) => {
        impl Layout for $type {
            const SIZE: usize = size_of::<Self>();
            const ALIGN: usize = size_of::<Self>();
            const FLAT: usize = 1;
            const POINTS: bool = false;

            fn flatten(kinds: &mut Vec<Flat>) {
                kinds.push(Flat::$kind);
            }
        }

        impl Lift for $type {
            type Value<'m> = Self;

            #[inline]
            #[expect(clippy::allow_attributes, reason = "not for every type")]
            #[allow(clippy::cast_possible_truncation, reason = "as the ABI has it")]
            fn lift<'m>(from: &mut FlatValues<'_>, _: &mut Reading<'m>) -> wasmtime::Result<Self> {
                Ok(from.$next() as $type)
            }

            fn load<'m>(memory: &mut Reading<'m>, at: usize) -> wasmtime::Result<Self> {
                memory.array(at).map(Self::from_le_bytes)
            }
        }

        impl Lower for $type {
            #[inline]
            fn lower(
                &self,
                _: &mut Writing<'_>,
                into: &mut FlatSlots<'_>,
            ) -> wasmtime::Result<()> {
                into.$put((*self).into());
                Ok(())
            }

            fn store(&self, guest: &mut Writing<'_>, at: usize) -> wasmtime::Result<()> {
                guest.put(at, &self.to_le_bytes())
            }

            $($store_all)?
        }
    };
}

integer!(
    u8,
    I32,
    next_u32,
    put_u32,
    fn store_all(items: &[u8], guest: &mut Writing<'_>, at: usize) -> wasmtime::Result<()> {
        guest.put(at, items)
    }
);
integer!(u16, I32, next_u32, put_u32);
integer!(u32, I32, next_u32, put_u32);
integer!(u64, I64, next_u64, put_u64);

impl Layout for i64 {
    const SIZE: usize = 8;
    const ALIGN: usize = 8;
    const FLAT: usize = 1;
    const POINTS: bool = false;

    fn flatten(kinds: &mut Vec<Flat>) {
        kinds.push(Flat::I64);
    }
}

impl Lift for i64 {
    type Value<'m> = Self;

    fn lift<'m>(from: &mut FlatValues<'_>, _: &mut Reading<'m>) -> wasmtime::Result<Self> {
        Ok(from.next_u64().cast_signed())
    }

    fn load<'m>(memory: &mut Reading<'m>, at: usize) -> wasmtime::Result<Self> {
        memory.array(at).map(Self::from_le_bytes)
    }
}

impl Lower for i64 {
    fn lower(&self, _: &mut Writing<'_>, into: &mut FlatSlots<'_>) -> wasmtime::Result<()> {
        into.put_u64(self.cast_unsigned());
        Ok(())
    }

    fn store(&self, guest: &mut Writing<'_>, at: usize) -> wasmtime::Result<()> {
        guest.put(at, &self.to_le_bytes())
    }
}

impl Layout for f64 {
    const SIZE: usize = 8;
    const ALIGN: usize = 8;
    const FLAT: usize = 1;
    const POINTS: bool = false;

    fn flatten(kinds: &mut Vec<Flat>) {
        kinds.push(Flat::F64);
    }
}

/// The host makes no difference between NaNs, so they are not made canonical.
impl Lift for f64 {
    type Value<'m> = Self;

    fn lift<'m>(from: &mut FlatValues<'_>, _: &mut Reading<'m>) -> wasmtime::Result<Self> {
        Ok(Self::from_bits(from.next_u64()))
    }

    fn load<'m>(memory: &mut Reading<'m>, at: usize) -> wasmtime::Result<Self> {
        memory.array(at).map(Self::from_le_bytes)
    }
}

impl Layout for bool {
    const SIZE: usize = 1;
    const ALIGN: usize = 1;
    const FLAT: usize = 1;
    const POINTS: bool = false;

    fn flatten(kinds: &mut Vec<Flat>) {
        kinds.push(Flat::I32);
    }
}

impl Lift for bool {
    type Value<'m> = Self;

    fn lift<'m>(from: &mut FlatValues<'_>, _: &mut Reading<'m>) -> wasmtime::Result<Self> {
        Ok(from.next_u32() != 0)
    }

    fn load<'m>(memory: &mut Reading<'m>, at: usize) -> wasmtime::Result<Self> {
        Ok(memory.u8(at)? != 0)
    }
}

impl Lower for bool {
    fn lower(&self, _: &mut Writing<'_>, into: &mut FlatSlots<'_>) -> wasmtime::Result<()> {
        into.put_u32((*self).into());
        Ok(())
    }

    fn store(&self, guest: &mut Writing<'_>, at: usize) -> wasmtime::Result<()> {
        guest.put(at, &[(*self).into()])
    }
}

/// What is a pointer and a length.
macro_rules! pair_layout {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> Layout for $type {
            const SIZE: usize = 8;
            const ALIGN: usize = 4;
            const FLAT: usize = 2;
            const POINTS: bool = true;

            fn flatten(kinds: &mut Vec<Flat>) {
                kinds.extend([Flat::I32, Flat::I32]);
            }
        }
    };
}

pair_layout!([] &'static str);
pair_layout!([] &'static [u8]);
pair_layout!([] GivenName<'static>);
pair_layout!([] String);
pair_layout!([T: Layout] Vec<T>);

#[inline]
fn lift_pair(from: &mut FlatValues<'_>) -> (usize, usize) {
    (from.next_u32() as usize, from.next_u32() as usize)
}

macro_rules! lift_pair {
    ($type:ty, $value:ty, $held:ty, $read:expr) => {
        impl Lift for $type {
            type Value<'m> = $value;
            const HELD: usize = size_of::<$held>();

            #[inline]
            fn lift<'m>(
                from: &mut FlatValues<'_>,
                memory: &mut Reading<'m>,
            ) -> wasmtime::Result<$value> {
                $read(memory, lift_pair(from))
            }

            fn load<'m>(memory: &mut Reading<'m>, at: usize) -> wasmtime::Result<$value> {
                let pair = memory.pair(at)?;
                $read(memory, pair)
            }
        }
    };
}

lift_pair!(&'static str, &'m str, String, Reading::text);
// A string that is to name a field.
lift_pair!(GivenName<'static>, GivenName<'m>, String, Reading::name);
lift_pair!(&'static [u8], &'m [u8], Vec<u8>, Reading::list::<u8>);
lift_pair!(String, Self, Self, |memory: &mut Reading<'m>, pair| memory
    .text(pair)
    .map(str::to_owned));

impl<T: Lift> Lift for Vec<T> {
    type Value<'m> = Vec<T::Value<'m>>;
    const HELD: usize = size_of::<Self>();

    fn lift<'m>(
        from: &mut FlatValues<'_>,
        memory: &mut Reading<'m>,
    ) -> wasmtime::Result<Self::Value<'m>> {
        load_list::<T>(memory, lift_pair(from))
    }

    fn load<'m>(memory: &mut Reading<'m>, at: usize) -> wasmtime::Result<Self::Value<'m>> {
        let pair = memory.pair(at)?;
        load_list::<T>(memory, pair)
    }
}

fn load_list<'m, T: Lift>(
    memory: &mut Reading<'m>,
    (at, len): (usize, usize),
) -> wasmtime::Result<Vec<T::Value<'m>>> {
    memory.list::<T>((at, len))?;
    (0..len)
        .map(|number| T::load(memory, at + number * T::SIZE))
        .collect()
}

macro_rules! lower_pair {
    ([$($generics:tt)*] $type:ty, $put:ident) => {
        impl<$($generics)*> Lower for $type {
            fn lower(
                &self,
                guest: &mut Writing<'_>,
                into: &mut FlatSlots<'_>,
            ) -> wasmtime::Result<()> {
                let (at, len) = guest.$put(self.as_ref())?;
                into.put_u32(at);
                into.put_u32(len);
                Ok(())
            }

            fn store(&self, guest: &mut Writing<'_>, at: usize) -> wasmtime::Result<()> {
                let pair = guest.$put(self.as_ref())?;
                guest.put_pair(at, pair)
            }
        }
    };
}

lower_pair!([] String, put_bytes);
lower_pair!([T: Lower] Vec<T>, put_list);
