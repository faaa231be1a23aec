from sah.domain.access import Right, RoleName


def test_each_role_may_do_what_the_one_before_may_and_more() -> None:
    assert RoleName.VIEWER.rights < RoleName.OPERATOR.rights < RoleName.ADMIN.rights


def test_moving_aliases_is_a_right_of_its_own() -> None:
    assert Right.OPERATE not in RoleName.VIEWER.rights
    assert Right.ADMINISTER not in RoleName.OPERATOR.rights
