/* Lets only those in who have the token of the setting `token`. */

#include "tollgate.h"

/* Whether both are the same; takes as long for every wrong token of a length, so that none can be guessed byte by byte. */
static bool is_secret(tg_text given, tg_text secret) {
  unsigned difference = given.size != secret.size;
  for (size_t i = 0; i < given.size && i < secret.size; i++)
    difference |= (unsigned char)(given.data[i] ^ secret.data[i]);
  return difference == 0;
}

tg_verdict tg_forward_request(void) {
  tg_text token;
  TG_TRY_REQUEST(tg_require_setting(TG("token"), &token));
  tg_text given = tg_request_field(TG("authorization"));
  if (is_secret(given, tg_concat(TG("Bearer "), token))) {
    TG_TRY_REQUEST(tg_request_delete_field(TG("authorization")));
    return tg_forward();
  }
  TG_TRY_REQUEST(tg_response_set_field(TG("www-authenticate"), TG("Bearer")));
  return tg_answer(401, TG("text/plain; charset=utf-8"), TG("token required\n"));
}
