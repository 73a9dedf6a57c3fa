//! What is refused before anything starts.

use alys_federation::{
    DevelopmentDealer, FederationConfig, MemberKeys, SetupError, config::ConfigError, scheme::KeySetError,
    service,
};
use alys_primitives::{Address, ChainSpec};

use crate::common::Federation;

fn keys(seed: u8, index: usize) -> MemberKeys {
    DevelopmentDealer::from_seed([seed; 32]).deal(4).unwrap().members.remove(index)
}

fn setup(spec: &ChainSpec, keys: Option<MemberKeys>) -> Result<service::Federation, SetupError> {
    service::Federation::new(spec, keys, &FederationConfig::default())
}

#[test]
fn a_development_spec_with_dealt_members_is_valid_and_each_member_finds_itself() {
    let spec = Federation::of(4).spec();
    spec.check().unwrap();
    for own in 0..4 {
        let federation = setup(&spec, Some(keys(7, own))).unwrap();
        assert_eq!(federation.members().own, u8::try_from(own).ok());
    }
    let keyless = setup(&spec, None).unwrap();
    assert_eq!(keyless.members().own, None);
    assert_eq!(Some(keyless.members().group_key), spec.group_key());
    assert_eq!(keyless.members().identities, spec.identities());
    assert_eq!(keyless.members().quorum, 3);
}

#[test]
fn keys_of_another_chain_are_refused() {
    let spec = Federation::of(4).spec();
    assert_eq!(setup(&spec, Some(keys(8, 0))).err(), Some(SetupError::ForeignShare));
}

#[test]
fn keys_of_two_members_are_refused() {
    let spec = Federation::of(4).spec();
    let mixed = MemberKeys { identity: keys(7, 2).identity, ..keys(7, 1) };
    assert_eq!(setup(&spec, Some(mixed)).err(), Some(SetupError::MixedKeys { kind: "identity", member: 1 }));
    let mixed = MemberKeys { bitcoin: keys(7, 2).bitcoin, ..keys(7, 1) };
    assert_eq!(setup(&spec, Some(mixed)).err(), Some(SetupError::MixedKeys { kind: "Bitcoin", member: 1 }));
}

#[test]
fn a_spec_whose_commitment_is_no_polynomial_of_its_members_is_refused() {
    let mut spec = Federation::of(4).spec();
    spec.federation.commitment.pop();
    let expected = SetupError::Keys(KeySetError::WrongDegree { have: 2, need: 3 });
    assert_eq!(setup(&spec, None).err(), Some(expected));
}

#[test]
fn a_configuration_outside_its_limits_names_the_field() {
    let check = |slots_behind, slots_ahead| FederationConfig { slots_behind, slots_ahead }.validate();
    assert_eq!(FederationConfig::default().validate(), Ok(()));
    for value in [0, 1025] {
        let error = ConfigError { field: "slots_behind", value, least: 1, most: 1024 };
        assert_eq!(check(value, 2), Err(error));
    }
    let error = ConfigError { field: "slots_ahead", value: 65, least: 0, most: 64 };
    assert_eq!(check(64, 65), Err(error));
    // The file may leave fields out, and may not misspell them.
    let read = serde_json::from_str::<FederationConfig>;
    assert_eq!(read("{}").unwrap(), FederationConfig::default());
    assert!(read(r#"{"slots_behnid": 3}"#).is_err());
}

#[test]
fn dealt_members_are_listed_with_the_fee_address_of_their_index() {
    let dealt = DevelopmentDealer::from_seed([7; 32]).deal(3).unwrap();
    let fee = |index: usize| Address::repeat_byte(u8::try_from(index).unwrap());
    let listed = dealt.spec_members(fee).unwrap();
    for (index, member) in listed.iter().enumerate() {
        assert_eq!(member.name, format!("member-{index}"));
        assert_eq!(member.identity, dealt.members[index].identity.public_key());
        assert_eq!(member.fee_address, fee(index));
    }
}
