//! How many cases the tests of faults try that try more than one: the source of the column "Cases" in `tests/FAULTS.md`,
//! which is the sum of these, with one for every test that is not here.

/// How many cases a test tries in an ordinary run, and who sees to it that this is so.
pub(crate) enum Cases {
    /// So many: the test counts them, and says so by [`tried`].
    Counted(usize),
    /// So many or more: the test counts them, and says so by [`tried`].
    AtLeast(usize),
    /// So many, or more: they follow from these words, which stand in the test's file.
    Written(usize, &'static str),
}

use Cases::{AtLeast, Counted, Written};

/// Words that make an ordinary run of a simulated row carry out fifty schedules.
const FIFTY: Cases = Written(50, "(schedules() / 50).max(50)");

/// By the names of the tests.
pub(crate) const CASES: [(&str, Cases); 100] = [
    ("f01_killed_at_calls_of_docker_runs_first_half", Counted(16)),
    (
        "f01_killed_at_calls_of_docker_runs_second_half",
        Counted(16),
    ),
    (
        "f01_killed_at_events_of_runs_on_host_processes",
        Counted(20),
    ),
    (
        "f01_a_stop_that_outlives_who_asked_for_it_is_seen_to_its_end",
        Counted(2),
    ),
    (
        "f01_an_upgrade_killed_at_its_steps_on_docker_is_resumed_and_repeats_nothing_finished",
        Counted(6),
    ),
    (
        "f01_killed_at_durable_calls_of_a_deploy_and_a_destroy",
        Counted(27),
    ),
    ("f01_killed_at_durable_calls_of_a_restore", Counted(12)),
    ("f01_killed_at_durable_calls_of_an_unlock", Counted(8)),
    ("f01_killed_at_any_step_of_any_command", FIFTY),
    (
        "f01_forty_generated_graphs_survive_a_kill_at_every_step",
        Written(100, "assert!(kills * stride > GRAPHS * 20"),
    ),
    ("f03_power_lost_while_something_is_written", FIFTY),
    ("f03_power_cuts_on_ext4_leave_old_or_new", Counted(41)),
    (
        "f03_power_cuts_on_ext4_without_delayed_allocation_leave_old_or_new",
        Counted(41),
    ),
    (
        "f03_power_cuts_on_ext4_in_writeback_mode_leave_old_or_new",
        Counted(41),
    ),
    ("f03_power_cuts_on_xfs_leave_old_or_new", Counted(41)),
    ("f05_engine_restarted_mid_deploy", Counted(6)),
    (
        "f05_engine_restarted_mid_deploy_with_live_restore",
        Counted(5),
    ),
    (
        "f27_power_cut_after_an_installation_leaves_all_of_it",
        Counted(12),
    ),
    ("f06_calls_and_replies_are_lost", FIFTY),
    (
        "f06_connections_lost_at_docker_calls_first_half",
        Counted(14),
    ),
    (
        "f06_connections_lost_at_docker_calls_second_half",
        Counted(14),
    ),
    (
        "f07_ctrl_c_works_at_once_whatever_call_never_answers",
        Counted(14),
    ),
    (
        "f08_wrong_answers_are_told_as_what_they_are_first_half",
        Counted(10),
    ),
    (
        "f08_wrong_answers_are_told_as_what_they_are_second_half",
        Counted(10),
    ),
    ("f09_wrong_clocks_change_no_verdict", FIFTY),
    (
        "f09_whatever_time_a_holder_wrote_the_verdict_is_the_same",
        Counted(12),
    ),
    (
        "f10_eight_processes_race_two_hundred_times_and_one_wins_each",
        Counted(200),
    ),
    ("f10_nobody_starves", Counted(40)),
    (
        "f10_a_released_lock_keeps_its_epoch_on_every_store",
        Counted(8),
    ),
    ("f11_everybody_at_once", FIFTY),
    ("f12_cut_off_from_the_lock", FIFTY),
    ("f12_replies_of_the_lock_are_lost", FIFTY),
    (
        "f12_lost_replies_leave_one_holder_who_knows_of_it_in_memory",
        Counted(2_331),
    ),
    (
        "f12_lost_replies_leave_one_holder_who_knows_of_it_on_disk",
        Counted(387),
    ),
    ("f13_a_frozen_holder_wakes_up_fenced", FIFTY),
    ("f14_the_lock_of_a_living_holder_is_forced", FIFTY),
    (
        "f16_on_a_read_only_disk_looking_works_and_changing_is_refused_before_any_effect",
        Counted(8),
    ),
    (
        "f17_files_of_somebody_else_are_named_with_their_owner",
        Counted(4),
    ),
    (
        "f18_each_flipped_bit_is_noticed",
        Written(
            1_056,
            "(0..256).map(|n| n * bits / 256 + n % 8);\n    let mut harmless = 0;\n    for bit in spread.chain(0..800)",
        ),
    ),
    (
        "f18_named_damages_are_named",
        Written(20, "[(&str, Vec<u8>, &str); 20]"),
    ),
    (
        "f18_a_damaged_state_stops_every_change_and_offers_the_kept_copies",
        Counted(7),
    ),
    (
        "f18_a_damaged_state_is_mended_by_each_command_that_is_offered",
        Counted(2),
    ),
    (
        "f19_each_value_of_a_plan_that_was_changed_by_hand_is_noticed",
        Written(251, "assert!(changed.len() > 250"),
    ),
    (
        "f19_a_plan_that_was_damaged_or_edited_is_refused_with_its_path",
        Counted(8),
    ),
    (
        "f20_a_container_that_ends_during_a_hook_fails_it_with_the_cause",
        Counted(5),
    ),
    (
        "f20_a_container_that_ends_during_an_install_fails_it_with_the_cause",
        Counted(5),
    ),
    ("f21_a_hook_that_hangs_ends_at_its_timeout", Counted(2)),
    (
        "docker_f21_f24_a_hook_that_hangs_ignores_or_forks_is_ended_in_its_container",
        Counted(5),
    ),
    (
        "f22_a_gigabyte_of_output_costs_no_memory_and_holds_nobody_up",
        Counted(4),
    ),
    (
        "f22_output_without_a_line_break_or_none_at_all_is_no_end",
        Counted(3),
    ),
    (
        "docker_f22_a_flood_in_a_container_is_cut_off_and_goes_on",
        Counted(2),
    ),
    (
        "f23_what_daemonises_and_clears_its_environment_is_ended_with_its_hook",
        Counted(4),
    ),
    (
        "f23_a_child_that_keeps_the_output_open_holds_nothing_up",
        Counted(2),
    ),
    (
        "docker_f23_what_a_hook_daemonised_in_its_container_ends_with_it",
        Counted(3),
    ),
    (
        "f24_a_hook_that_ignores_signals_stops_itself_or_forks_ends_in_time",
        Counted(6),
    ),
    (
        "f24_a_hook_that_kills_or_stops_its_keeper_ends_all_the_same",
        Counted(4),
    ),
    (
        "f24_a_hook_that_signals_its_own_group_hits_only_itself",
        Counted(2),
    ),
    (
        "f25_no_form_of_any_secret_is_left",
        Written(468, "assert!(cases >= 12 * FORMS"),
    ),
    (
        "f25_what_looks_like_an_escape_before_a_secret_does_not_hide_it",
        Written(3_744, "const FORMS: usize = 39;"),
    ),
    (
        "f26_each_sequence_cut_anywhere_leaves_text_and_a_cursor_behind_it",
        Counted(3_146),
    ),
    (
        "f26_names_of_files_branches_and_arguments_are_shown_as_text",
        Counted(266),
    ),
    ("f26_doctored_records_are_shown_as_text", Counted(2)),
    (
        "docker_f26_error_messages_of_the_engine_are_text",
        Counted(12),
    ),
    (
        "docker_f29_hostile_content_is_refused_or_ignored_and_nothing_outside_is_touched",
        Counted(11),
    ),
    (
        "f30_a_thousand_services_of_four_shapes_are_planned",
        Counted(4),
    ),
    ("f31_a_cycle_is_told_by_its_shortest_way_round", Counted(10)),
    (
        "f32_a_key_given_twice_is_an_error_with_both_places",
        Counted(8),
    ),
    ("f33_bombs_are_refused_in_little_memory", Counted(10)),
    (
        "f33_what_is_no_file_is_named_and_never_waited_for",
        Counted(15),
    ),
    (
        "f34_a_thousand_sizes_in_a_row_leave_a_panel_that_is_drawn_right",
        Counted(3_009),
    ),
    (
        "f34_a_dialog_outlives_every_size_and_is_confirmed_only_where_it_is_drawn",
        Counted(1_000),
    ),
    (
        "every_area_at_every_size_and_in_ascii",
        Written(36, "const AREAS: [Shown; 9]"),
    ),
    (
        "no_size_makes_it_panic",
        Written(
            8_113,
            "1, 2, 5, 10, 19, 20, 39, 40, 41, 60, 79, 80, 99, 100, 120, 200, 500,",
        ),
    ),
    (
        "no_size_makes_an_overlay_panic",
        Written(
            36,
            "[(1, 1), (20, 5), (40, 10), (45, 11), (80, 24), (300, 100)]",
        ),
    ),
    (
        "no_size_makes_a_graph_panic",
        Written(640, "[1, 20, 59, 60, 61, 80, 120, 169, 170, 300]"),
    ),
    (
        "f35_a_terminal_that_goes_away_ends_an_idle_panel_at_once",
        Counted(2),
    ),
    (
        "f35_a_run_under_a_terminal_that_went_away_drains_saves_and_unlocks_without_going_round",
        Counted(2),
    ),
    (
        "f36_a_panic_gives_the_terminal_back_before_it_is_told",
        Counted(4),
    ),
    (
        "f37_killed_for_want_of_memory_it_leaves_what_a_kill_leaves",
        Counted(2),
    ),
    (
        "f38_too_few_descriptors_are_an_error_and_nothing_is_left_half_done",
        Counted(10),
    ),
    (
        "f38_too_few_descriptors_are_refused_before_the_engine_hears_of_it",
        Counted(4),
    ),
    (
        "f39_pointed_at_another_engine_nothing_is_done_and_nothing_forgotten",
        Counted(6),
    ),
    (
        "f39_a_plan_is_bound_to_the_engine_it_was_made_on",
        Written(
            4,
            "for purpose in [Purpose::Deploy, Purpose::Destroy, Purpose::Clean]",
        ),
    ),
    ("f40_changes_by_hand_during_runs", FIFTY),
    ("f41_lists_are_old", FIFTY),
    (
        "f42_a_secret_in_vault_is_shown_as_a_reference_and_refused_before_any_effect",
        Counted(10),
    ),
    (
        "f43_a_damaged_record_is_unknown_and_nothing_is_done_under_it",
        Counted(13),
    ),
    (
        "f45_what_a_newer_tool_or_another_project_wrote_is_never_replaced",
        Written(3, "for bytes in [newer, other, foreign]"),
    ),
    (
        "f46_foreign_and_half_labelled_objects_are_shown_and_never_touched",
        Counted(12),
    ),
    ("f47_the_machine_sleeps_while_a_run_goes_on", FIFTY),
    (
        "s10_no_secret_is_seen_anywhere_with_host_processes",
        Counted(204),
    ),
    ("s10_no_secret_is_seen_anywhere_with_docker", Counted(204)),
    (
        "s14_what_is_planted_at_a_name_of_ours_is_not_written_through",
        Counted(102),
    ),
    (
        "s14_a_worker_writes_through_nothing_that_is_planted_at_its_names",
        Counted(12),
    ),
    (
        "s14_what_is_planted_at_names_of_the_panel_is_neither_followed_nor_waited_for",
        Counted(15),
    ),
    (
        "s16_names_that_a_shell_or_a_path_would_take_apart_are_refused_with_their_place",
        Counted(58),
    ),
    (
        "s17_what_hands_over_the_machine_is_marked_in_the_plan",
        Counted(31),
    ),
    (
        "s18_a_path_that_leads_out_of_the_project_is_told_with_its_place",
        Counted(12),
    ),
    (
        "s25_changes_of_the_kept_inputs_break_no_promise_either",
        AtLeast(2_000),
    ),
    (
        "s25_the_kept_inputs_of_every_fuzz_target_still_hold",
        AtLeast(100),
    ),
];

/// Requires that a test tried as many cases as the table says; who asks for more by a variable gets more.
#[track_caller]
pub(crate) fn tried(test: &str, cases: usize) {
    let is_asked = |variable: &&str| std::env::var_os(variable).is_some();
    if ["NANOKIT_FAULTS", "NANOKIT_MUTATE"].iter().any(is_asked) {
        return;
    }
    let found = CASES.iter().find(|(name, _)| *name == test);
    match found.map(|(_, cases)| cases) {
        Some(Counted(wanted)) => assert_eq!(cases, *wanted, "cases of {test}"),
        Some(AtLeast(least)) => assert!(cases >= *least, "{test} has {cases} cases"),
        Some(Written(..)) | None => panic!("{test} is not counted in tests/support/fault_cases.rs"),
    }
}
