"""The operators' admin: sellers and their people may be changed, what Amazon authorised may only be looked at.

`ReadOnlyAdmin` is the base of every table whose rows are facts or promises (orders, messages, the list): an operator
sees them, and a verb changes them. Sealed columns are never shown.
"""

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.utils.functional import cached_property

from accounts.models import AccountMarketplace, AmazonAccount, Denial, Invitation, Membership, Role, Seller, User

if TYPE_CHECKING:  # Django's classes take type parameters for the type checker only
    ModelAdmin = admin.ModelAdmin[Any]
    Inline = admin.TabularInline[Any, Any]
    AnyPaginator = Paginator[Any]
    AnyUserAdmin = UserAdmin[User]
    CreationForm = AdminUserCreationForm[User]
    ChangeForm = UserChangeForm[User]
else:
    ModelAdmin, Inline, AnyPaginator = admin.ModelAdmin, admin.TabularInline, Paginator
    AnyUserAdmin, CreationForm, ChangeForm = UserAdmin, AdminUserCreationForm, UserChangeForm

MOST_COUNTED: Final = 5_000

admin.site.site_header = "FeedbackFive: operators"
admin.site.site_title = "FeedbackFive"
admin.site.index_title = "Everything, across sellers"


class BoundedPaginator(AnyPaginator):
    """Counts up to a limit only: COUNT(*) over millions of rows would be the dearest query of the site."""

    @cached_property
    def count(self) -> int:
        if not isinstance(self.object_list, models.QuerySet):
            return len(self.object_list)
        return self.object_list.order_by()[:MOST_COUNTED].count()


class PagedAdmin(ModelAdmin):
    """Lists that stay cheap however long the table is."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50

    class Media:
        css = {"all": ["operators.css"]}


class ReadOnlyAdmin(PagedAdmin):
    """To look at. Fields are named by `readonly_fields`, or are all but the sealed ones."""

    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).defer(*self._names(sealed=True))  # raw mail may have megabytes

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self._names(sealed=False)

    def _names(self, *, sealed: bool) -> list[Any]:
        fields = self.model._meta.concrete_fields
        return [field.name for field in fields if isinstance(field, models.BinaryField) is sealed]


class ReadOnlyInline(Inline):
    """Rows of another table, to look at. `fields` says which columns."""

    extra, max_num, can_delete = 0, 0, False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields or ()


class PersonCreationForm(CreationForm):
    class Meta:
        model = User
        fields = ("email", "name")


class PersonChangeForm(ChangeForm):
    class Meta:
        model = User
        fields = "__all__"  # noqa: DJ007  the admin's fieldsets choose


@admin.register(User)
class PersonAdmin(AnyUserAdmin):
    """People. An operator is one who is staff."""

    form, add_form = PersonChangeForm, PersonCreationForm
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("email", "name")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Operator", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)
    show_full_result_count = False


def _is_last_owner(membership: Membership) -> bool:
    others = Membership.objects.filter(seller_id=membership.seller_id, role=Role.OWNER).exclude(pk=membership.pk)
    return membership.role == Role.OWNER and not others.exists()


class MembershipInline(Inline):
    model = Membership
    can_delete = False  # on the membership's own page, where the last owner stays
    autocomplete_fields = ("user",)
    extra = 0


@admin.register(Seller)
class SellerAdmin(PagedAdmin):
    list_display = ("name", "id", "created_at")
    search_fields = ("name",)
    inlines = (MembershipInline,)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # it would take the seller's orders and messages with it; closing a seller needs a verb


@admin.register(Membership)
class MembershipAdmin(PagedAdmin):
    list_display = ("user", "seller", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "seller")
    search_fields = ("user__email", "seller__name")
    autocomplete_fields = ("user", "seller")
    actions = None  # one at a time: the last owner stays

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and _is_last_owner(obj))


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Sent by owners. The link is kept as a digest only, and that is shown to nobody."""

    list_display = ("email", "seller", "role", "created_at", "expires_at", "ended_at", "accepted_at")
    list_select_related = ("seller",)
    search_fields = ("email", "seller__name")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [name for name in super().get_fields(request, obj) if name != "digest"]


class DenialInline(ReadOnlyInline):
    model = Denial
    fields = ("ability", "since")


@admin.register(AmazonAccount)
class AmazonAccountAdmin(ReadOnlyAdmin):
    """Connected by their sellers; the refresh token appears nowhere."""

    list_display = ("store_name", "seller", "region", "selling_partner_id", "status", "authorised_at")
    list_filter = ("status", "region")
    list_select_related = ("seller",)
    search_fields = ("store_name", "selling_partner_id", "seller__name")
    inlines = (DenialInline,)


@admin.register(AccountMarketplace)
class AccountMarketplaceAdmin(ReadOnlyAdmin):
    list_display = ("store_name", "seller", "marketplace_id", "is_used", "approved_sender")
    list_filter = ("is_used", "marketplace_id")
    list_select_related = ("seller",)
    search_fields = ("store_name", "seller__name", "approved_sender")
