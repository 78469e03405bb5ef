//! The contract every platform keeps: one list of cases, run on each.
//!
//! `life` needs nothing of an instance but that it exists and runs; `commands` runs real commands inside. A
//! platform joins with a function that makes a [`stage::Stage`] and the macros below.

pub(crate) mod commands;
pub(crate) mod life;
pub(crate) mod stage;

/// Makes one test of each case on a platform.
macro_rules! cases {
    ($stage:path, $group:ident: $($case:ident)*) => {$(
        #[tokio::test(flavor = "current_thread")]
        async fn $case() {
            let stage = $stage();
            $crate::suite::stage::play(&stage, $crate::suite::$group::$case(&stage)).await;
        }
    )*};
}
pub(crate) use cases;

/// The cases of an instance's life.
macro_rules! life_cases {
    ($stage:path) => {
        $crate::suite::cases! { $stage, life:
            an_instance_is_made_then_started_and_says_whose_it_is
            starting_stopping_and_removing_may_be_repeated
            a_taken_name_is_done_for_the_same_operation_and_failed_for_another
            limits_and_restart_policy_change_on_the_running_instance
            networks_are_joined_with_all_aliases_and_left
            networks_and_volumes_are_made_once_and_removed_twice
            a_lost_reply_is_settled_by_looking
            what_belongs_to_another_scope_is_not_seen
            the_watch_connects_first_and_tells_of_a_life_in_order
            a_name_that_fits_already_is_no_failure
        }
    };
}
pub(crate) use life_cases;

/// The cases that run real commands.
macro_rules! command_cases {
    ($stage:path) => {
        $crate::suite::cases! { $stage, commands:
            a_command_inside_keeps_its_streams_apart_and_returns_its_code
            a_command_out_of_time_is_killed_with_everything_it_started
            a_command_dropped_midway_does_not_go_on
            a_command_in_an_instance_that_ends_says_so
            a_command_that_does_not_exist_is_not_a_success
            a_log_is_handed_out_whole_by_its_tail_and_as_it_grows
            a_gate_holds_the_main_command_and_stays_open
            a_volume_outlives_its_instances
            a_one_off_ends_with_its_code_and_does_not_count_as_an_instance
            health_turns_from_starting_to_healthy_to_unhealthy_and_says_why
            variables_tell_where_volumes_and_siblings_are
            a_port_is_asked_from_here
            what_instances_use_is_counted_while_they_run
        }
    };
}
pub(crate) use command_cases;
