"""The commands of submit descriptions in HTCondor's manual, version 25 ("condor_submit"); it takes any other name too."""

BASIC = """arguments batch_name environment error executable getenv input log log_xml notification notify_user output priority
    queue universe max_materialize max_idle shell"""
MATCHMAKING = """rank request_cpus request_disk request_gpus request_memory require_gpus gpus_minimum_capability
    gpus_maximum_capability gpus_minimum_memory gpus_minimum_runtime cuda_version requirements retry_request_memory
    retry_request_memory_increase retry_request_memory_max"""
FILE_TRANSFER = """dont_encrypt_input_files dont_encrypt_output_files encrypt_execute_directory encrypt_input_files
    encrypt_output_files erase_output_and_error_on_restart max_transfer_input_mb max_transfer_output_mb output_destination
    should_transfer_files skip_filechecks skip_if_dataflow stream_error stream_input stream_output transfer_executable
    transfer_input_files public_input_files transfer_output_files transfer_checkpoint_files checkpoint_destination
    preserve_relative_paths transfer_output_remaps transfer_plugins when_to_transfer_output"""
POLICY = """allowed_execute_duration allowed_job_duration max_retries retry_until success_exit_code checkpoint_exit_code hold
    keep_claim_idle leave_in_queue next_job_start_delay on_exit_hold on_exit_hold_reason on_exit_hold_subcode on_exit_remove
    periodic_hold periodic_hold_reason periodic_hold_subcode periodic_release periodic_remove periodic_vacate"""
ADVANCED = """accounting_group accounting_group_user concurrency_limits concurrency_limits_expr coresize cron_day_of_month
    cron_day_of_week cron_hour cron_minute cron_month cron_prep_time cron_window dagman_log deferral_prep_time deferral_time
    deferral_window description email_attributes ulog_execute_attrs initialdir job_ad_information_attrs job_lease_duration
    job_machine_attrs job_machine_attrs_history_length job_max_vacate_time kill_sig kill_sig_timeout load_profile
    match_list_length max_job_retirement_time
    nice_user noop_job noop_job_exit_code noop_job_exit_signal remove_kill_sig run_as_owner stack_size submit_event_notes
    use_oauth_services want_graceful_removal want_io_proxy"""
CONTAINER = "container_image container_target_dir transfer_container"

SUBMIT_COMMANDS = frozenset(f"{BASIC} {CONTAINER} {MATCHMAKING} {FILE_TRANSFER} {POLICY} {ADVANCED}".split())
OF_THE_POOL = frozenset({"MY.JobFlavour"})  # a "+" before it makes it an attribute of the job, which CERN's pool knows


def unknown(commands):
    """Those of the names that no manual knows."""
    return {name for name in commands if name.lower() not in SUBMIT_COMMANDS and name not in OF_THE_POOL}
