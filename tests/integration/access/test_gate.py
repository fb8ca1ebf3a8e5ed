"""Signing in, sessions and tokens, on both databases."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from registry.access import repository, service, tokens
from registry.access.domain import FREE_ATTEMPTS, Role
from registry.access.errors import (
    CsrfMismatchError,
    LoginTakenError,
    PersonNotFoundError,
    SessionRequiredError,
    SignInRefusedError,
    TokenInvalidError,
    TokenNotFoundError,
    UnusableTokenRequestError,
    WeakPasswordError,
)
from registry.access.gate import IDLE_LIFE, SESSION_LIFE, ExternalIdentity
from registry.access.models import LoginRow, TokenRow
from registry.access.secrets_at_rest import AccessKey
from registry.access.service import By
from registry.audit.domain import Outcome
from registry.kit.errors import InvalidInputError
from tests.support.access_world import FAR, FOUNDER, NEAR, PASSWORD, AccessWorld, tenant_of

CLERK = (Role.CLERK, tenant_of(NEAR))
APPROVER = (Role.APPROVER, tenant_of(NEAR))


class TestSignIn:
    def test_a_session_carries_the_roles_of_the_moment(self, world: AccessWorld) -> None:
        li = world.person("Li Na", CLERK)
        world.login(li, "lina")
        secret = world.gate.sign_in(" LiNa ", PASSWORD)
        principal = world.gate.principal_of(secret)
        assert (principal.id, principal.person, principal.name) == (li.id, li.id, "Li Na")
        assert [grant.role for grant in principal.grants] == [Role.CLERK]
        with world.database.begin() as session:
            service.revoke_grant(session, principal.grants[0].id, by=FOUNDER, at=world.clock())
        assert world.gate.principal_of(secret).grants == ()

    def test_two_accounts_are_one_person(self, world: AccessWorld) -> None:
        li = world.person("Li Na", CLERK)
        world.login(li, "lina")
        world.login(li, "lina-office")
        one, other = (
            world.gate.principal_of(world.gate.sign_in(name, PASSWORD))
            for name in ("lina", "lina-office")
        )
        assert one.actor.is_same_person(other.actor)
        assert one.actor.person == other.actor.person == li.id

    @pytest.mark.parametrize(
        ("name", "password"), [("lina", "wrong"), ("nobody", PASSWORD), ("lina", "")]
    )
    def test_wrong_name_and_wrong_password_look_alike(
        self, world: AccessWorld, name: str, password: str
    ) -> None:
        world.login(world.person("Li Na"), "lina")
        with pytest.raises(SignInRefusedError, match="do not fit, or too many attempts"):
            world.gate.sign_in(name, password)

    def test_the_right_password_is_refused_while_the_account_waits(
        self, world: AccessWorld
    ) -> None:
        world.login(world.person("Li Na"), "lina")
        for _ in range(FREE_ATTEMPTS):
            with pytest.raises(SignInRefusedError):
                world.gate.sign_in("lina", "wrong password")
        with pytest.raises(SignInRefusedError):
            world.gate.sign_in("lina", PASSWORD)
        world.clock.forward(seconds=29)
        with pytest.raises(SignInRefusedError):
            world.gate.sign_in("lina", PASSWORD)
        world.clock.forward(seconds=1)
        world.gate.sign_in("lina", PASSWORD)
        with world.database.read() as session:
            login = repository.login_named(session, "lina")
        assert login is not None
        assert (login.failed_attempts, login.refused_until) == (0, None)

    def test_guesses_at_the_same_moment_are_all_counted(self, world: AccessWorld) -> None:
        world.login(world.person("Li Na"), "lina")
        ready = threading.Barrier(8, timeout=20)

        def guess() -> None:
            ready.wait()
            with pytest.raises(SignInRefusedError):
                world.gate.sign_in("lina", "wrong password")

        threads = [threading.Thread(target=guess) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with world.database.read() as session:
            login = repository.login_named(session, "lina")
        assert login is not None
        assert login.failed_attempts == FREE_ATTEMPTS  # the others were not even tried

    def test_a_disabled_person_is_out_at_once(self, world: AccessWorld) -> None:
        li = world.person("Li Na", CLERK)
        world.login(li, "lina")
        session_secret, token = world.gate.sign_in("lina", PASSWORD), world.token(li)
        with world.database.begin() as session:
            row = service.get_person(session, li.id)
            service.disable_person(session, row, by=FOUNDER, at=world.clock())
        for secret in (session_secret, token):
            with pytest.raises(TokenInvalidError):
                world.gate.principal_of(secret)
        with pytest.raises(SignInRefusedError):
            world.gate.sign_in("lina", PASSWORD)

    def test_names_and_subjects_are_unique(self, world: AccessWorld) -> None:
        world.login(world.person("Li Na"), "lina")
        other = world.person("Wang")
        with pytest.raises(LoginTakenError):
            world.login(other, "LINA")
        identity = ExternalIdentity(issuer="https://id.example", subject="7")
        with world.database.begin() as session:
            service.add_login(session, other, by=FOUNDER, at=world.clock(), external=identity)
        third = world.person("Zhao")
        with pytest.raises(LoginTakenError), world.database.begin() as session:
            service.add_login(session, third, by=FOUNDER, at=world.clock(), external=identity)

    def test_outcomes_are_recorded_without_what_was_typed(self, world: AccessWorld) -> None:
        world.login(world.person("Li Na"), "lina")
        with pytest.raises(SignInRefusedError):
            world.gate.sign_in("lina", "my secret guess")
        with pytest.raises(SignInRefusedError):
            world.gate.sign_in("my password by mistake", "x")
        world.gate.sign_in("lina", PASSWORD)
        tried = world.trail("session.begin")
        assert [link.entry.outcome for link in tried] == [Outcome.REFUSED, Outcome.DONE]
        assert not any("my " in str(link.entry) for link in world.trail())


class TestExternal:
    @dataclass(frozen=True)
    class Provider:
        identity: ExternalIdentity

        def identify(self, proof: str) -> ExternalIdentity:
            if proof != "genuine":
                raise SignInRefusedError("no")
            return self.identity

    def test_an_external_subject_signs_in(self, world: AccessWorld) -> None:
        li = world.person("Li Na", CLERK)
        identity = ExternalIdentity(issuer="https://id.example", subject="7")
        with world.database.begin() as session:
            service.add_login(session, li, by=FOUNDER, at=world.clock(), external=identity)
        secret = world.gate.sign_in_external(self.Provider(identity), "genuine")
        assert world.gate.principal_of(secret).id == li.id
        with pytest.raises(SignInRefusedError):
            world.gate.sign_in_external(self.Provider(identity), "forged")
        elsewhere = replace(identity, issuer="https://evil.example")
        with pytest.raises(SignInRefusedError):
            world.gate.sign_in_external(self.Provider(elsewhere), "genuine")


class TestSessions:
    @pytest.fixture
    def secret(self, world: AccessWorld) -> str:
        world.login(world.person("Li Na", CLERK), "lina")
        return world.gate.sign_in("lina", PASSWORD)

    def test_idleness_ends_it(self, world: AccessWorld, secret: str) -> None:
        world.clock.now += IDLE_LIFE - timedelta(seconds=1)
        world.gate.principal_of(secret)
        world.clock.now += IDLE_LIFE - timedelta(seconds=1)
        world.gate.principal_of(secret)
        world.clock.now += IDLE_LIFE
        with pytest.raises(TokenInvalidError):
            world.gate.principal_of(secret)

    def test_it_has_a_last_moment_however_busy(self, world: AccessWorld, secret: str) -> None:
        for _ in range(int(SESSION_LIFE / timedelta(minutes=20)) - 1):
            world.clock.forward(minutes=20)
            world.gate.principal_of(secret)
        world.clock.forward(minutes=20)
        with pytest.raises(TokenInvalidError):
            world.gate.principal_of(secret)

    def test_signing_out_ends_it(self, world: AccessWorld, secret: str) -> None:
        world.gate.sign_out(secret)
        world.gate.sign_out(secret)
        with pytest.raises(TokenInvalidError):
            world.gate.principal_of(secret)
        assert len(world.trail("session.end")) == 1

    def test_a_form_of_another_session_is_refused(self, world: AccessWorld, secret: str) -> None:
        other = world.gate.sign_in("lina", PASSWORD)
        world.gate.check_csrf(secret, world.gate.csrf_token(secret))
        for token in (world.gate.csrf_token(other), "", "é", secret):
            with pytest.raises(CsrfMismatchError):
                world.gate.check_csrf(secret, token)

    def test_a_new_password_ends_the_other_sessions(self, world: AccessWorld, secret: str) -> None:
        other = world.gate.sign_in("lina", PASSWORD)
        with pytest.raises(SignInRefusedError):
            world.gate.change_password(secret, current="wrong", new="a much better one")
        with pytest.raises(WeakPasswordError):
            world.gate.change_password(secret, current=PASSWORD, new="aaaaaaaaaaaaaaaa")
        world.gate.change_password(secret, current=PASSWORD, new="a much better one")
        world.gate.principal_of(secret)
        with pytest.raises(TokenInvalidError):
            world.gate.principal_of(other)
        with pytest.raises(SignInRefusedError):
            world.gate.sign_in("lina", PASSWORD)
        world.gate.sign_in("lina", "a much better one")


class TestTokens:
    def test_only_a_keyed_digest_is_kept(self, world: AccessWorld) -> None:
        made = world.new_token(world.person("Li", CLERK))
        with world.database.read() as session:
            row = session.get_one(TokenRow, made.row.id)
            stored = " ".join(str(value) for value in vars(row).values())
        assert made.secret not in stored
        assert row.digest == world.gate.key.digest("token", made.secret)
        stranger = replace(world.gate, key=AccessKey(b"x" * 32))
        with pytest.raises(TokenInvalidError):
            stranger.principal_of(made.secret)

    @pytest.mark.parametrize("change", [0, -1])
    def test_a_changed_token_is_nobodys(self, world: AccessWorld, change: int) -> None:
        token = world.token(world.person("Li", CLERK))
        letters = list(token)
        letters[change] = "A" if letters[change] != "A" else "B"
        with pytest.raises(TokenInvalidError):
            world.gate.principal_of("".join(letters))

    def test_it_expires_at_its_moment(self, world: AccessWorld) -> None:
        token = world.token(world.person("Li", CLERK), life=timedelta(days=1))
        world.clock.now += timedelta(days=1) - timedelta(seconds=1)
        world.gate.principal_of(token)
        world.clock.forward(seconds=1)
        with pytest.raises(TokenInvalidError):
            world.gate.principal_of(token)
        [refused] = world.trail("token.use")
        assert refused.entry.details == {"reason": "expired"}

    def test_revoked_is_revoked(self, world: AccessWorld) -> None:
        made = world.new_token(world.person("Li", CLERK))
        with world.database.begin() as session:
            tokens.revoke_token(session, made.row.id, by=FOUNDER, at=world.clock())
        with pytest.raises(TokenInvalidError):
            world.gate.principal_of(made.secret)
        missing = "00000000-0000-0000-0000-000000000000"
        with pytest.raises(TokenNotFoundError), world.database.begin() as session:
            tokens.revoke_token(session, missing, by=FOUNDER, at=world.clock())

    def test_last_use_is_noted(self, world: AccessWorld) -> None:
        made = world.new_token(world.person("Li", CLERK))
        world.clock.forward(hours=1)
        world.gate.principal_of(made.secret)
        with world.database.read() as session:
            assert session.get_one(TokenRow, made.row.id).last_used_at == world.clock.now

    def test_it_uses_some_grants_of_its_owner_and_loses_them_with_him(
        self, world: AccessWorld
    ) -> None:
        li = world.person("Li", CLERK, APPROVER)
        with world.database.read() as session:
            grants = {row.role: row.id for row in repository.grants_of(session, li.id)}
        token = world.token(li, grants[Role.CLERK])
        assert [grant.role for grant in world.gate.principal_of(token).grants] == [Role.CLERK]
        with world.database.begin() as session:
            service.revoke_grant(session, grants[Role.CLERK], by=FOUNDER, at=world.clock())
        assert world.gate.principal_of(token).grants == ()

    def test_it_uses_no_grant_of_others(self, world: AccessWorld) -> None:
        li, wang = world.person("Li", CLERK), world.person("Wang", APPROVER)
        for grants in (world.grant_ids(wang), [*world.grant_ids(li), *world.grant_ids(wang)]):
            with pytest.raises(UnusableTokenRequestError):
                world.token(li, *grants)
        with pytest.raises(UnusableTokenRequestError):
            world.token(world.person("Nobody"))

    def test_not_even_if_the_database_says_so(self, world: AccessWorld) -> None:
        li, wang = world.person("Li", CLERK), world.person("Wang", APPROVER)
        made = world.new_token(li)
        with world.database.begin() as session:
            session.add(
                tokens.TokenScopeRow(token_id=made.row.id, grant_id=world.grant_ids(wang)[0])
            )
        assert [grant.role for grant in world.gate.principal_of(made.secret).grants] == [Role.CLERK]

    @pytest.mark.parametrize("days", [0, 367])
    def test_its_life_is_bounded(self, world: AccessWorld, days: int) -> None:
        with pytest.raises(UnusableTokenRequestError):
            world.token(world.person("Li", CLERK), life=timedelta(days=days))

    def test_a_token_makes_no_token_and_nobody_makes_one_for_others(
        self, world: AccessWorld
    ) -> None:
        li, wang = world.person("Li", CLERK), world.person("Wang", APPROVER)
        world.login(li, "lina")
        by_token = By.of(world.principal(li))
        by_session = By.of(world.gate.principal_of(world.gate.sign_in("lina", PASSWORD)))
        for by, owner, error in (
            (by_token, li, SessionRequiredError),
            (by_session, wang, PersonNotFoundError),
        ):
            with pytest.raises(error), world.database.begin() as session:
                tokens.create_token(
                    session,
                    world.gate.key,
                    owner,
                    label="x",
                    grants=world.grant_ids(owner),
                    expires_at=world.clock() + timedelta(days=1),
                    by=by,
                    at=world.clock(),
                )


class TestMachines:
    def test_its_acts_are_those_of_who_answers_for_it(self, world: AccessWorld) -> None:
        li = world.person("Li")
        lims = world.person("LIMS", CLERK, responsible=li.id)
        principal = world.principal(lims)
        assert (principal.id, principal.person, principal.machine) == (lims.id, li.id, True)
        assert principal.actor.person == li.id
        assert principal.actor.name == "LIMS"

    def test_it_dies_with_who_answers_for_it(self, world: AccessWorld) -> None:
        li = world.person("Li")
        token = world.token(world.person("LIMS", CLERK, responsible=li.id))
        with world.database.begin() as session:
            row = service.get_person(session, li.id)
            service.disable_person(session, row, by=FOUNDER, at=world.clock())
        with pytest.raises(TokenInvalidError):
            world.gate.principal_of(token)

    def test_it_has_no_password_and_no_machine_answers_for_it(self, world: AccessWorld) -> None:
        lims = world.person("LIMS", responsible=world.person("Li").id)
        with pytest.raises(InvalidInputError):
            world.login(lims, "lims")
        with pytest.raises(InvalidInputError):
            world.person("sub", responsible=lims.id)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE people SET name = 'x'",
        "UPDATE people SET responsible_id = NULL, machine = FALSE WHERE machine",
        "DELETE FROM people WHERE machine",
        "UPDATE role_grants SET role = 'operator'",
        "UPDATE role_grants SET valid_until = '2099-01-01' WHERE valid_until IS NOT NULL",
        "UPDATE role_grants SET valid_until = NULL WHERE valid_until IS NOT NULL",
        "UPDATE role_grants SET granted_by_person = person_id",
        "UPDATE api_tokens SET expires_at = '2099-01-01'",
        "UPDATE api_tokens SET digest = digest || digest",
        "DELETE FROM api_token_scopes",
        "UPDATE logins SET name = 'x'",
        "UPDATE logins SET issuer = 'x'",
    ],
)
def test_the_database_itself_keeps_powers_as_they_were_given(
    world: AccessWorld, statement: str
) -> None:
    li = world.person("Li", CLERK, APPROVER)
    world.login(li, "lina")
    lims = world.person("LIMS", (Role.CLERK, tenant_of(FAR)), responsible=li.id)
    world.token(lims)
    with world.database.begin() as session:
        service.revoke_grant(session, world.grant_ids(lims)[0], by=FOUNDER, at=world.clock())
        assert session.get(LoginRow, repository.logins_of(session, li.id)[0].id)
    with pytest.raises(IntegrityError), world.database.begin() as session:
        session.execute(text(statement))
