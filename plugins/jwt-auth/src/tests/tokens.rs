//! Tokens by OpenSSL: `{"iss":"https://id.example/","aud":"api","sub":"ann","exp":2000000000}`, signed with keys of RFC 7515 (appendixes
//! A.2 and A.3) and RFC 8037 (appendix A.1), and with a key on P-384.

/// The keys as a JWKS.
pub const JWKS: &str = r#"{"keys":[
{"kty":"RSA","kid":"rsa","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"},
{"kty":"EC","crv":"P-256","kid":"p256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
{"kty":"EC","crv":"P-384","kid":"p384","use":"sig","x":"04rIBLTfkoFXzIB1NAeyU9bYkt9PWJKrbHwfAglV2rUwRMW3rhtwEVRL1FnN1DYS","y":"xBxwaesO6zXqGw0MgvTBEC__a1ypoh-NYYNv6x_iFnlYic8fi_mc0Fimij2CpyWl"},
{"kty":"OKP","crv":"Ed25519","kid":"ed","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
]}"#;

/// A modulus that is too short.
pub const MODULUS_OF_1024_BITS: &str = "3lHyZ5186GZ9NPPGnZfzrtrkHLyC1ePAhUm3ZBNbDxkAQ_I6yju9gTCg-KYas7zAEzIYMxz784nkpMePFSfd9F8LvUCH_rkVrr3D4TluGLsGeoL0MOsYpRHZR7np4--OZRBBCqJnkBfAHgBcx5lTdh-TVDMZTPlscPnuZMTnJNc";

/// Algorithm and token.
pub const TOKENS: [(&str, &str); 9] = [
    (
        "RS256",
        "eyJhbGciOiAiUlMyNTYiLCAia2lkIjogInJzYSIsICJ0eXAiOiAiSldUIn0.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUvIiwiYXVkIjoiYXBpIiwic3ViIjoiYW5uIiwiZXhwIjoyMDAwMDAwMDAwfQ.hK8RRfxfkytO4ukW09SD3DqpAzwCnuRBd3y6WkUUbe_uoubp2OP49KuaYC3bbT2JowFWRHLLHjCpRCqZUmKUwaoL5jHpM05NSC3WmogclCQcmSo5Fu0LV-oL_n4LWY2MODb9YmxyjtK8mDDPPeuS_w5QphwdpJ0NpkteCCyNZpct1IqkW-_YJDXaWwlgAAGJvEQjwq9zZ7rFLjPCugWrYkxoETKJtQZwIGYRPrE2PFvxzoKogG3WEyvrlOLQ-2Wj0J6gnYO7hGjPnvh5vh6RVIYeIC7rLCI81jVQlMPRnDy1CH98Zp87qBuXQp2ue0Zy4Xu0JylqUieJMGRQa1pwKg",
    ),
    (
        "RS384",
        "eyJhbGciOiAiUlMzODQiLCAia2lkIjogInJzYSIsICJ0eXAiOiAiSldUIn0.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUvIiwiYXVkIjoiYXBpIiwic3ViIjoiYW5uIiwiZXhwIjoyMDAwMDAwMDAwfQ.UXZbY_rhbFHN1DD5tj6oMWdnFhOEBQ15PmJbyahvXAQ7TDDO3YOa63NEqEZfaLiPkSLqQWabAwdtaBU681QEOetgeW1zNZoa7sJN5DjGCVwKCt7vNYbjOFUNQ8h_tiYwClmdpuze-CTCBmz7nVV1gOaCd6ZUuEdKe7LWaYSUvHnU_CK66qspnMpHlhVBvyZnybTPnA46BoVnyj0GH8DH02cvk2oCGn02U10rpVYtsXNoYTyaxYCHv41VWQVagHWDa45rl3qcGuPRPUtXzIjKOzMzkIXwUzSFbtOjayw9UQt4OHp7G8pfksc9fTX4oJ_b0rqeL-iz1A2keRsdEHgd0A",
    ),
    (
        "RS512",
        "eyJhbGciOiAiUlM1MTIiLCAia2lkIjogInJzYSIsICJ0eXAiOiAiSldUIn0.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUvIiwiYXVkIjoiYXBpIiwic3ViIjoiYW5uIiwiZXhwIjoyMDAwMDAwMDAwfQ.bgOw6jehcLKsvkPpSJtkiK3DLKCBDcYUlYD6ZL16NZBK9d8JJr-TV4ua2Dl5IRNbE3vtAHTogPJ8s69BOOc1f-c1obvaXqd0wuM_4wniOblgG6fHvTWxsf7MOEeE0TAZUgn566t_q-J8MZbHRgXO4fGHVlWgYK5S47OZ7ADcvZGfjc87LogxGxlshMuekvQ3_pHvdzSRwYYF76f5vbmWiLtfJe0eerqHv5Ty2sNBKCnsrQaOW8uy3r8MwFJ5oHV-UMfG3vp8Ygdqd22gSPgHTL6XaqSPIDajkoZc5-h50u7lwXUqXggSTJgtmUqdKwvJE-F6KThR7spRfBwMXih3fQ",
    ),
    (
        "PS256",
        "eyJhbGciOiAiUFMyNTYiLCAia2lkIjogInJzYSIsICJ0eXAiOiAiSldUIn0.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUvIiwiYXVkIjoiYXBpIiwic3ViIjoiYW5uIiwiZXhwIjoyMDAwMDAwMDAwfQ.X6agUBFVVg1D6ae_bBDXCerz295qEEChL6KC-uvWHYoAlhivfIVirM4VmmpI1Pu29tQIKaJldLT4fAZiBvRsugcH-M6UloOFPiCC4xe7-rPnyOuS5ZX8Tm0_R7pk23rAyuMLW4VrmrLbb5pmWz0UlXJhgPopSoCZ-5CnHreAD7_5C9iXhWafngtCNssnPJKUQs5OA8bnDJGSqp5F5cDnoxtB6AOnSznHqEblWWi2pMnczCejVEd0jzhGtrEhcKI_XffOfnbZILTMs9EVauSEwfoTCAwE6HbBn1wCO4rsaFmFwC0aqforOBlscC-5aymrpvIQXLb6rdHCIn1sl-W3Kg",
    ),
    (
        "PS384",
        "eyJhbGciOiAiUFMzODQiLCAia2lkIjogInJzYSIsICJ0eXAiOiAiSldUIn0.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUvIiwiYXVkIjoiYXBpIiwic3ViIjoiYW5uIiwiZXhwIjoyMDAwMDAwMDAwfQ.GmyLutyU0MI3dUJUwyWh5odnULU4z2qpEbrsfJa8bNWSQzfJWzX8dpWZlE9gKdGAJ_JxPx3hEgh9AzhBWb_e79-NOZP2VCtHOt_kAtx5bKFkeRMc7vQJnW4QbkM5FAytJZy18X5qKM8vOeFa8607AsC_U2cJ1L_XTPZzDLEKvVLKHEYVZ7B2cPL4PUj68OKRCdKIo5BYkJWoCwOZkUuwP1JAw811raGPepAwL0D-atPr1dgI0bLoRL9wTBVIdJasfEZp-cJp-vTcVFnlEVAwcbe6Ezx1v1eIUXnnhWc9OZ-tgsnKKMPpvDoIJahUNKUK_nM4RXd2uFvsPPHH4Vj4-A",
    ),
    (
        "PS512",
        "eyJhbGciOiAiUFM1MTIiLCAia2lkIjogInJzYSIsICJ0eXAiOiAiSldUIn0.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUvIiwiYXVkIjoiYXBpIiwic3ViIjoiYW5uIiwiZXhwIjoyMDAwMDAwMDAwfQ.TlaBm-NbNxLUhueW9ZmCEQPfZEGxQ7WJgTfK4LLuAJnD8mvyuzUrelRqflg9rh4wMddWq83jKgnROOnRbZwodXQVb5-n19UGOy8SJnPU3dhystVRwzvi9V_FqBCnijvODgZFMTNjEqiSNJYnyWFpVeO1dnTnrig_F-oV7c4TUwhM5mTWiOrIni8RpWuL64c3h6CGGFdU4cV-o-bQXNd6AIJqHsM4ys58YX87VsENlBWZO96yY7VjvEr72btBFjTRIOnvC5Gm-DiNgAjqpaUypv-zfWxo_MlkCXjUnI4xQ6Rd-JFe6HqD7k7MOFwSfrFcqGOOAaGl17FQoiw5JGKPsg",
    ),
    (
        "ES256",
        "eyJhbGciOiAiRVMyNTYiLCAia2lkIjogInAyNTYiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUvIiwiYXVkIjoiYXBpIiwic3ViIjoiYW5uIiwiZXhwIjoyMDAwMDAwMDAwfQ.SF3qseKVDObEUMkKlF-R4YEmt11TcCfYFzH8xmD1-ld_-suf3lMXZjMVDYIqjChq1fe-c4putOo7eXo2zOf4_Q",
    ),
    (
        "ES384",
        "eyJhbGciOiAiRVMzODQiLCAia2lkIjogInAzODQiLCAidHlwIjogIkpXVCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUvIiwiYXVkIjoiYXBpIiwic3ViIjoiYW5uIiwiZXhwIjoyMDAwMDAwMDAwfQ.VoeB1gfj2KTAgYAZifOeAXbnam8b5vTxHBIKpK0H0VSiCqrQkHnTPl1bBN0JIHLQ0qkGBRWr2X_Vulo4InFlGyS3Vtybb_2SGKMM4sLTnpAqEI2YwuUHuKg63ArVwa3A",
    ),
    (
        "EdDSA",
        "eyJhbGciOiAiRWREU0EiLCAia2lkIjogImVkIiwgInR5cCI6ICJKV1QifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUvIiwiYXVkIjoiYXBpIiwic3ViIjoiYW5uIiwiZXhwIjoyMDAwMDAwMDAwfQ.HYJrlYGa1meLxsUo9GOEExQZ2-qkSmWn0kktUF14XpMHDss2z5tutCQiHF6Kq7U__Eaxa4vwkAniKauUWya9Dw",
    ),
];
