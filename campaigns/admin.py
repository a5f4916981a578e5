"""Campaigns and what they decided, for operators: to look at. Sellers change campaigns, planning makes decisions."""

from django.contrib import admin

from accounts.admin import ReadOnlyAdmin, ReadOnlyInline
from campaigns.models import Campaign, CampaignChange, Exclusion, FollowUp, Rule, Template, Trial


class RuleInline(ReadOnlyInline):
    model = Rule
    fields = ("kind", "operator")


class ChangeInline(ReadOnlyInline):
    model = CampaignChange
    fields = ("at", "by", "version", "what")


class TrialInline(ReadOnlyInline):
    model = Trial
    fields = ("order", "sent_at")


class TemplateInline(ReadOnlyInline):
    model = Template
    fields = ("language", "subject", "body")


@admin.register(Campaign)
class CampaignAdmin(ReadOnlyAdmin):
    list_display = ("name", "seller", "status", "channel", "priority", "delay_days", "send_at", "activated_at")
    list_filter = ("status", "channel")
    list_select_related = ("seller",)
    search_fields = ("name", "seller__name")
    ordering = ("-id",)
    inlines = (RuleInline, TemplateInline, ChangeInline, TrialInline)


@admin.register(FollowUp)
class FollowUpAdmin(ReadOnlyAdmin):
    list_display = ("order", "seller", "campaign", "verdict", "due_at", "decided_at")
    list_filter = ("verdict",)
    list_select_related = ("order", "seller", "campaign")
    search_fields = ("=order__amazon_order_id",)
    ordering = ("-id",)


@admin.register(Exclusion)
class ExclusionAdmin(ReadOnlyAdmin):
    list_display = ("kind", "named", "seller", "created_at", "created_by", "lifted_at")
    list_filter = ("kind",)
    list_select_related = ("seller", "created_by")
    search_fields = ("=named",)
    ordering = ("-id",)
