//! The types that WIT has by itself: numbers, strings, lists, tuples, options and results.

use wasmtime::bail;

use super::made::record_layout;

use super::layout::{Flat, Layout, Places, align_up, join, most};
use super::lift::{FlatValues, Lift, Reading};
use super::lower::{FlatSlots, Lower, Writing};

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

impl Layout for () {
    record_layout!();
}

impl Lift for () {
    type Value<'m> = ();

    fn lift<'m>(_: &mut FlatValues<'_>, _: &mut Reading<'m>) -> wasmtime::Result<()> {
        Ok(())
    }

    fn load<'m>(_: &mut Reading<'m>, _: usize) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl Lower for () {
    fn lower(&self, _: &mut Writing<'_>, _: &mut FlatSlots<'_>) -> wasmtime::Result<()> {
        Ok(())
    }

    fn store(&self, _: &mut Writing<'_>, _: usize) -> wasmtime::Result<()> {
        Ok(())
    }
}

macro_rules! tuple {
    ($($type:ident $number:tt),*) => {
        impl<$($type: Layout),*> Layout for ($($type,)*) {
            record_layout!($($type),*);
        }

        impl<$($type: Lift),*> Lift for ($($type,)*) {
            type Value<'m> = ($($type::Value<'m>,)*);
            const HELD: usize = 0 $(+ $type::HELD)*;

            #[inline]
            fn lift<'m>(
                from: &mut FlatValues<'_>,
                memory: &mut Reading<'m>,
            ) -> wasmtime::Result<Self::Value<'m>> {
                Ok(($($type::lift(from, memory)?,)*))
            }

            fn load<'m>(memory: &mut Reading<'m>, at: usize) -> wasmtime::Result<Self::Value<'m>> {
                let mut places = Places(at);
                Ok(($($type::load(memory, places.next::<$type>())?,)*))
            }
        }

        impl<$($type: Lower),*> Lower for ($($type,)*) {
            fn lower(
                &self,
                guest: &mut Writing<'_>,
                into: &mut FlatSlots<'_>,
            ) -> wasmtime::Result<()> {
                $(self.$number.lower(guest, into)?;)*
                Ok(())
            }

            fn store(&self, guest: &mut Writing<'_>, at: usize) -> wasmtime::Result<()> {
                let mut places = Places(at);
                $(self.$number.store(guest, places.next::<$type>())?;)*
                Ok(())
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);

/// Where the payload of a variant with two cases is, behind the byte that tells the case.
const fn payload<A: Layout, B: Layout>() -> usize {
    align_up(1, most(&[1, A::ALIGN, B::ALIGN]))
}

macro_rules! two_cases_layout {
    ($zero:ty, $one:ty) => {
        const SIZE: usize = align_up(
            payload::<$zero, $one>() + most(&[<$zero>::SIZE, <$one>::SIZE]),
            Self::ALIGN,
        );
        const ALIGN: usize = most(&[1, <$zero>::ALIGN, <$one>::ALIGN]);
        const FLAT: usize = 1 + most(&[<$zero>::FLAT, <$one>::FLAT]);
        const POINTS: bool = <$zero>::POINTS || <$one>::POINTS;

        fn flatten(kinds: &mut Vec<Flat>) {
            let mut cases = [Vec::new(), Vec::new()];
            <$zero>::flatten(&mut cases[0]);
            <$one>::flatten(&mut cases[1]);
            join(&cases, kinds);
        }
    };
}

/// Lifts a payload from the numbers of a variant, whose longest case has so many.
#[inline]
fn lift_case<'m, T: Lift>(
    from: &mut FlatValues<'_>,
    memory: &mut Reading<'m>,
    longest: usize,
) -> wasmtime::Result<T::Value<'m>> {
    let value = T::lift(from, memory)?;
    from.skip(longest - T::FLAT);
    Ok(value)
}

#[inline]
fn lower_case<T: Lower>(
    number: u32,
    value: &T,
    guest: &mut Writing<'_>,
    into: &mut FlatSlots<'_>,
    longest: usize,
) -> wasmtime::Result<()> {
    into.put_u32(number);
    value.lower(guest, into)?;
    into.skip(longest - T::FLAT);
    Ok(())
}

impl<T: Layout> Layout for Option<T> {
    two_cases_layout!((), T);
}

impl<T: Lift> Lift for Option<T> {
    type Value<'m> = Option<T::Value<'m>>;

    fn lift<'m>(
        from: &mut FlatValues<'_>,
        memory: &mut Reading<'m>,
    ) -> wasmtime::Result<Self::Value<'m>> {
        match from.next_u32() {
            0 => lift_case::<()>(from, memory, T::FLAT).map(|()| None),
            1 => T::lift(from, memory).map(Some),
            _ => bail!("invalid option discriminant"),
        }
    }

    fn load<'m>(memory: &mut Reading<'m>, at: usize) -> wasmtime::Result<Self::Value<'m>> {
        match memory.u8(at)? {
            0 => Ok(None),
            1 => T::load(memory, at + payload::<(), T>()).map(Some),
            _ => bail!("invalid option discriminant"),
        }
    }
}

impl<T: Lower> Lower for Option<T> {
    fn lower(&self, guest: &mut Writing<'_>, into: &mut FlatSlots<'_>) -> wasmtime::Result<()> {
        match self {
            None => lower_case(0, &(), guest, into, T::FLAT),
            Some(value) => lower_case(1, value, guest, into, T::FLAT),
        }
    }

    fn store(&self, guest: &mut Writing<'_>, at: usize) -> wasmtime::Result<()> {
        match self {
            None => guest.put(at, &[0]),
            Some(value) => {
                guest.put(at, &[1])?;
                value.store(guest, at + payload::<(), T>())
            }
        }
    }
}

impl<T: Layout, E: Layout> Layout for Result<T, E> {
    two_cases_layout!(T, E);
}

impl<T: Lift, E: Lift> Lift for Result<T, E> {
    type Value<'m> = Result<T::Value<'m>, E::Value<'m>>;

    fn lift<'m>(
        from: &mut FlatValues<'_>,
        memory: &mut Reading<'m>,
    ) -> wasmtime::Result<Self::Value<'m>> {
        let longest = Self::FLAT - 1;
        match from.next_u32() {
            0 => lift_case::<T>(from, memory, longest).map(Ok),
            1 => lift_case::<E>(from, memory, longest).map(Err),
            _ => bail!("invalid expected discriminant"),
        }
    }

    fn load<'m>(memory: &mut Reading<'m>, at: usize) -> wasmtime::Result<Self::Value<'m>> {
        let inside = at + payload::<T, E>();
        match memory.u8(at)? {
            0 => T::load(memory, inside).map(Ok),
            1 => E::load(memory, inside).map(Err),
            _ => bail!("invalid expected discriminant"),
        }
    }
}

impl<T: Lower, E: Lower> Lower for Result<T, E> {
    fn lower(&self, guest: &mut Writing<'_>, into: &mut FlatSlots<'_>) -> wasmtime::Result<()> {
        let longest = Self::FLAT - 1;
        match self {
            Ok(value) => lower_case(0, value, guest, into, longest),
            Err(error) => lower_case(1, error, guest, into, longest),
        }
    }

    fn store(&self, guest: &mut Writing<'_>, at: usize) -> wasmtime::Result<()> {
        let inside = at + payload::<T, E>();
        match self {
            Ok(value) => {
                guest.put(at, &[0])?;
                value.store(guest, inside)
            }
            Err(error) => {
                guest.put(at, &[1])?;
                error.store(guest, inside)
            }
        }
    }
}
