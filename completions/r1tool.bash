# bash completion for r1tool; made by python -m r1tool.manual
_r1tool() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "sample verify judge rank split stats push --help --version" -- "$current"))
    return
  fi
  case $command:$previous in
    sample:-z) words="zstd none" ;;
    sample:--compress) words="zstd none" ;;
    sample:--engine) words="auto vllm sglang embedded" ;;
    verify:-z) words="zstd none" ;;
    verify:--compress) words="zstd none" ;;
    verify:--answers) words="any box" ;;
    judge:-z) words="zstd none" ;;
    judge:--compress) words="zstd none" ;;
    judge:--engine) words="auto vllm sglang embedded" ;;
    judge:--which) words="wrong all" ;;
    rank:-z) words="zstd none" ;;
    rank:--compress) words="zstd none" ;;
    rank:--among) words="correct all" ;;
    split:-z) words="zstd none" ;;
    split:--compress) words="zstd none" ;;
    split:--keep) words="any-correct all-correct none-correct complete verified judged" ;;
    split:--dedup) words="exact near" ;;
    split:--as) words="rows sft dpo kto grpo" ;;
    stats:-z) words="zstd none" ;;
    stats:--compress) words="zstd none" ;;
    push:-z) words="zstd none" ;;
    push:--compress) words="zstd none" ;;
  esac
  if [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    return
  fi
  [[ $current == -* ]] || return
  case $command in
    sample) words="-o --output -z --compress --level --rejects --strict -j --workers --limit -q --quiet --progress --no-progress --engine --url -m --model --tp --pp --replicas --nodes --gpus --server-log --ready-timeout --concurrency --stall-timeout --retries -n --temperature --top-p --max-tokens --seed --prompt-template --system --completion --problem-field --id-field --sample-index-offset --until-correct --max-n --thinking-budget --wait --journal --resume --no-resume --dry-run --demo" ;;
    verify) words="-o --output -z --compress --level --rejects --strict -j --workers --limit -q --quiet --progress --no-progress --timeout --gold --gold-from-solution --answers --explain --overwrite" ;;
    judge) words="-o --output -z --compress --level --rejects --strict -j --workers --limit -q --quiet --progress --no-progress --engine --url -m --model --tp --pp --replicas --nodes --gpus --server-log --ready-timeout --concurrency --stall-timeout --retries --which --votes --prompt --constrained --free --spool --journal --resume --no-resume" ;;
    rank) words="-o --output -z --compress --level --rejects --strict -j --workers --limit -q --quiet --progress --no-progress --by --among --seed" ;;
    split) words="-o --output -z --compress --level --rejects --strict -j --workers --limit -q --quiet --progress --no-progress -d --dir --only --by --fraction --keep --pass-rate --max-tokens --decontaminate --ngram --dedup --as --seed" ;;
    stats) words="-o --output -z --compress --level --rejects --strict -j --workers --limit -q --quiet --progress --no-progress --by --json --pass-at --majority --gpus" ;;
    push) words="-o --output -z --compress --level --rejects --strict -j --workers --limit -q --quiet --progress --no-progress --config --private --card --no-card --recipe --max-shard-size --dry-run" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _r1tool r1tool
