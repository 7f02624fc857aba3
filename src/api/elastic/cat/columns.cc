#include "api/elastic/cat/columns.h"

#include <algorithm>
#include <map>

namespace kumo::api_elastic {

namespace {

/// Each table as text: a column is "name|alias,alias"; * marks those that are shown if nobody says,
/// # those that stand to the right.
struct TableText {
    std::string_view name;
    std::string_view columns;
};

// clang-format off
constexpr TableText kTables[] = {
    {"aliases",
     "*alias|a *index|i,idx *filter|f,fi *routing.index|ri,routingIndex "
     "*routing.search|rs,routingSearch *is_write_index|w,isWriteIndex "},
    {"allocation",
     "#*shards|s #*disk.indices|di,diskIndices #*disk.used|du,diskUsed #*disk.avail|da,diskAvail "
     "#*disk.total|dt,diskTotal #*disk.percent|dp,diskPercent *host|h *ip *node|n "},
    {"cluster_manager",
     "*id *host|h *ip *node|n "},
    {"count",
     "*epoch|t,time *timestamp|ts,hms,hhmmss #*count|dc,docs.count,docsCount "},
    {"fielddata",
     "*id *host|h *ip *node|n *field|f #*size "},
    {"health",
     "*epoch|time *timestamp|ts,hms,hhmmss *cluster|cl *status|st #*node.total|nt,nodeTotal "
     "#*node.data|nd,nodeData *discovered_cluster_manager|dcm,discovered_master #*shards|t,sh,shards.total,shardsTotal "
     "#*pri|p,shards.primary,shardsPrimary #*relo|r,shards.relocating,shardsRelocating "
     "#*init|i,shards.initializing,shardsInitializing "
     "#*unassign|u,shards.unassigned,shardsUnassigned #*pending_tasks|pt,pendingTasks "
     "#*max_task_wait_time|mtwt,maxTaskWaitTime #*active_shards_percent|asp,activeShardsPercent "},
    {"indices",
     "*health|h *status|s *index|i,idx *uuid|id #*pri|p,shards.primary,shardsPrimary "
     "#*rep|r,shards.replica,shardsReplica #*docs.count|dc,docsCount "
     "#*docs.deleted|dd,docsDeleted creation.date|cd creation.date.string|cds "
     "#*store.size|ss,storeSize #*pri.store.size completion.size|cs,completionSize "
     "pri.completion.size fielddata.memory_size|fm,fielddataMemory pri.fielddata.memory_size "
     "fielddata.evictions|fe,fielddataEvictions pri.fielddata.evictions "
     "query_cache.memory_size|qcm,queryCacheMemory pri.query_cache.memory_size "
     "query_cache.evictions|qce,queryCacheEvictions pri.query_cache.evictions "
     "request_cache.memory_size|rcm,requestCacheMemory pri.request_cache.memory_size "
     "request_cache.evictions|rce,requestCacheEvictions pri.request_cache.evictions "
     "request_cache.hit_count|rchc,requestCacheHitCount pri.request_cache.hit_count "
     "request_cache.miss_count|rcmc,requestCacheMissCount pri.request_cache.miss_count "
     "flush.total|ft,flushTotal pri.flush.total flush.total_time|ftt,flushTotalTime "
     "pri.flush.total_time get.current|gc,getCurrent pri.get.current get.time|gti,getTime "
     "pri.get.time get.total|gto,getTotal pri.get.total get.exists_time|geti,getExistsTime "
     "pri.get.exists_time get.exists_total|geto,getExistsTotal pri.get.exists_total "
     "get.missing_time|gmti,getMissingTime pri.get.missing_time "
     "get.missing_total|gmto,getMissingTotal pri.get.missing_total "
     "indexing.delete_current|idc,indexingDeleteCurrent pri.indexing.delete_current "
     "indexing.delete_time|idti,indexingDeleteTime pri.indexing.delete_time "
     "indexing.delete_total|idto,indexingDeleteTotal pri.indexing.delete_total "
     "indexing.index_current|iic,indexingIndexCurrent pri.indexing.index_current "
     "indexing.index_time|iiti,indexingIndexTime pri.indexing.index_time "
     "indexing.index_total|iito,indexingIndexTotal pri.indexing.index_total "
     "indexing.index_failed|iif,indexingIndexFailed pri.indexing.index_failed "
     "merges.current|mc,mergesCurrent pri.merges.current "
     "merges.current_docs|mcd,mergesCurrentDocs pri.merges.current_docs "
     "merges.current_size|mcs,mergesCurrentSize pri.merges.current_size "
     "merges.total|mt,mergesTotal pri.merges.total merges.total_docs|mtd,mergesTotalDocs "
     "pri.merges.total_docs merges.total_size|mts,mergesTotalSize pri.merges.total_size "
     "merges.total_time|mtt,mergesTotalTime pri.merges.total_time refresh.total|rto,refreshTotal "
     "pri.refresh.total refresh.time|rti,refreshTime pri.refresh.time "
     "refresh.external_total|reto pri.refresh.external_total refresh.external_time|reti "
     "pri.refresh.external_time refresh.listeners|rli,refreshListeners pri.refresh.listeners "
     "search.fetch_current|sfc,searchFetchCurrent pri.search.fetch_current "
     "search.fetch_time|sfti,searchFetchTime pri.search.fetch_time "
     "search.fetch_total|sfto,searchFetchTotal pri.search.fetch_total "
     "search.open_contexts|so,searchOpenContexts pri.search.open_contexts "
     "search.query_current|sqc,searchQueryCurrent pri.search.query_current "
     "search.query_time|sqti,searchQueryTime pri.search.query_time "
     "search.query_total|sqto,searchQueryTotal pri.search.query_total "
     "search.concurrent_query_current pri.search.concurrent_query_current "
     "search.concurrent_query_time pri.search.concurrent_query_time "
     "search.concurrent_query_total pri.search.concurrent_query_total "
     "search.concurrent_avg_slice_count pri.search.concurrent_avg_slice_count "
     "search.scroll_current|scc,searchScrollCurrent pri.search.scroll_current "
     "search.scroll_time|scti,searchScrollTime pri.search.scroll_time "
     "search.scroll_total|scto,searchScrollTotal pri.search.scroll_total "
     "search.point_in_time_current pri.search.point_in_time_current search.point_in_time_time "
     "pri.search.point_in_time_time search.point_in_time_total pri.search.point_in_time_total "
     "segments.count|sc,segmentsCount pri.segments.count segments.memory|sm,segmentsMemory "
     "pri.segments.memory segments.index_writer_memory|siwm,segmentsIndexWriterMemory "
     "pri.segments.index_writer_memory segments.version_map_memory|svmm,segmentsVersionMapMemory "
     "pri.segments.version_map_memory segments.fixed_bitset_memory|sfbm,fixedBitsetMemory "
     "pri.segments.fixed_bitset_memory warmer.current|wc,warmerCurrent pri.warmer.current "
     "warmer.total|wto,warmerTotal pri.warmer.total warmer.total_time|wtt,warmerTotalTime "
     "pri.warmer.total_time suggest.current|suc,suggestCurrent pri.suggest.current "
     "suggest.time|suti,suggestTime pri.suggest.time suggest.total|suto,suggestTotal "
     "pri.suggest.total memory.total|tm,memoryTotal pri.memory.total search.throttled|sth "},
    {"master",
     "*id *host|h *ip *node|n "},
    {"nodeattrs",
     "*node id pid *host|h *ip|i port *attr *value "},
    {"nodes",
     "id|nodeId pid|p *ip|i port|po http_address|http version|v flavor|f type|t build|b jdk|j "
     "#disk.total|dt,diskTotal #disk.used|du,diskUsed #disk.avail|d,da,disk,diskAvail "
     "disk.used_percent|dup,diskUsedPercent heap.current|hc,heapCurrent "
     "#*heap.percent|hp,heapPercent heap.max|hm,heapMax ram.current|rc,ramCurrent "
     "#*ram.percent|rp,ramPercent ram.max|rn,ramMax file_desc.current|fdc,fileDescriptorCurrent "
     "file_desc.percent|fdp,fileDescriptorPercent file_desc.max|fdm,fileDescriptorMax #*cpu "
     "#*load_1m #*load_5m #*load_15m|l uptime|u *node.role|r,role,nodeRole *node.roles "
     "*cluster_manager master|m *name|n completion.size|cs,completionSize "
     "fielddata.memory_size|fm,fielddataMemory fielddata.evictions|fe,fielddataEvictions "
     "query_cache.memory_size|qcm,queryCacheMemory query_cache.evictions|qce,queryCacheEvictions "
     "query_cache.hit_count|qchc,queryCacheHitCount "
     "query_cache.miss_count|qcmc,queryCacheMissCount "
     "request_cache.memory_size|rcm,requestCacheMemory "
     "request_cache.evictions|rce,requestCacheEvictions "
     "request_cache.hit_count|rchc,requestCacheHitCount "
     "request_cache.miss_count|rcmc,requestCacheMissCount flush.total|ft,flushTotal "
     "flush.total_time|ftt,flushTotalTime get.current|gc,getCurrent get.time|gti,getTime "
     "get.total|gto,getTotal get.exists_time|geti,getExistsTime "
     "get.exists_total|geto,getExistsTotal get.missing_time|gmti,getMissingTime "
     "get.missing_total|gmto,getMissingTotal indexing.delete_current|idc,indexingDeleteCurrent "
     "indexing.delete_time|idti,indexingDeleteTime "
     "indexing.delete_total|idto,indexingDeleteTotal "
     "indexing.index_current|iic,indexingIndexCurrent indexing.index_time|iiti,indexingIndexTime "
     "indexing.index_total|iito,indexingIndexTotal indexing.index_failed|iif,indexingIndexFailed "
     "merges.current|mc,mergesCurrent merges.current_docs|mcd,mergesCurrentDocs "
     "merges.current_size|mcs,mergesCurrentSize merges.total|mt,mergesTotal "
     "merges.total_docs|mtd,mergesTotalDocs merges.total_size|mts,mergesTotalSize "
     "merges.total_time|mtt,mergesTotalTime refresh.total refresh.time "
     "refresh.external_total|rto,refreshTotal refresh.external_time|rti,refreshTime "
     "refresh.listeners|rli,refreshListeners script.compilations|scrcc,scriptCompilations "
     "script.cache_evictions|scrce,scriptCacheEvictions "
     "script.compilation_limit_triggered|scrclt,scriptCacheCompilationLimitTriggered "
     "search.fetch_current|sfc,searchFetchCurrent search.fetch_time|sfti,searchFetchTime "
     "search.fetch_total|sfto,searchFetchTotal search.open_contexts|so,searchOpenContexts "
     "search.query_current|sqc,searchQueryCurrent search.query_time|sqti,searchQueryTime "
     "search.query_total|sqto,searchQueryTotal search.concurrent_query_current "
     "search.concurrent_query_time search.concurrent_query_total "
     "search.concurrent_avg_slice_count search.scroll_current|scc,searchScrollCurrent "
     "search.scroll_time|scti,searchScrollTime search.scroll_total|scto,searchScrollTotal "
     "search.point_in_time_current search.point_in_time_time search.point_in_time_total "
     "segments.count|sc,segmentsCount segments.memory|sm,segmentsMemory "
     "segments.index_writer_memory|siwm,segmentsIndexWriterMemory "
     "segments.version_map_memory|svmm,segmentsVersionMapMemory "
     "segments.fixed_bitset_memory|sfbm,fixedBitsetMemory suggest.current|suc,suggestCurrent "
     "suggest.time|suti,suggestTime suggest.total|suto,suggestTotal "
     "bulk.total_operations|bto,bulkTotalOperations bulk.total_time|btti,bulkTotalTime "
     "bulk.total_size_in_bytes|btsi,bulkTotalSizeInBytes bulk.avg_time|bati,bulkAvgTime "
     "bulk.avg_size_in_bytes|basi,bulkAvgSizeInBytes "},
    {"pending_tasks",
     "*insertOrder|o *timeInQueue|t *priority|p *source|s "},
    {"plugins",
     "id *name|n *component|c *version|v description|d type|t "},
    {"recovery",
     "*index|i,idx *shard|s,sh start_time|start start_time_millis|start_millis stop_time|stop "
     "stop_time_millis|stop_millis *time|t,ti *type|ty *stage|st *source_host|shost "
     "*source_node|snode *target_host|thost *target_node|tnode *repository|rep *snapshot|snap "
     "#*files|f #*files_recovered|fr *files_percent|fp #*files_total|tf #*bytes|b "
     "#*bytes_recovered|br *bytes_percent|bp #*bytes_total|tb #*translog_ops|to "
     "#*translog_ops_recovered|tor *translog_ops_percent|top "},
    {"repositories",
     "*id|repoId *type|t "},
    {"segments",
     "*index|i,idx *shard|s,sh *prirep|p,pr,primaryOrReplica *ip id *segment|seg "
     "#*generation|g,gen #*docs.count|dc,docsCount #*docs.deleted|dd,docsDeleted #*size|si "
     "#*size.memory|sm,sizeMemory *committed|ic,isCommitted *searchable|is,isSearchable "
     "*version|v *compound|ico,isCompound "},
    {"shards",
     "*index|i,idx *shard|s,sh *prirep|p,pr,primaryOrReplica *state|st #*docs|d,dc #*store|sto "
     "*ip id *node|n sync_id unassigned.reason|ur unassigned.at|ua unassigned.for|uf "
     "unassigned.details|ud recoverysource.type|rs completion.size|cs,completionSize "
     "fielddata.memory_size|fm,fielddataMemory fielddata.evictions|fe,fielddataEvictions "
     "query_cache.memory_size|qcm,queryCacheMemory query_cache.evictions|qce,queryCacheEvictions "
     "flush.total|ft,flushTotal flush.total_time|ftt,flushTotalTime get.current|gc,getCurrent "
     "get.time|gti,getTime get.total|gto,getTotal get.exists_time|geti,getExistsTime "
     "get.exists_total|geto,getExistsTotal get.missing_time|gmti,getMissingTime "
     "get.missing_total|gmto,getMissingTotal indexing.delete_current|idc,indexingDeleteCurrent "
     "indexing.delete_time|idti,indexingDeleteTime "
     "indexing.delete_total|idto,indexingDeleteTotal "
     "indexing.index_current|iic,indexingIndexCurrent indexing.index_time|iiti,indexingIndexTime "
     "indexing.index_total|iito,indexingIndexTotal indexing.index_failed|iif,indexingIndexFailed "
     "merges.current|mc,mergesCurrent merges.current_docs|mcd,mergesCurrentDocs "
     "merges.current_size|mcs,mergesCurrentSize merges.total|mt,mergesTotal "
     "merges.total_docs|mtd,mergesTotalDocs merges.total_size|mts,mergesTotalSize "
     "merges.total_time|mtt,mergesTotalTime refresh.total refresh.time "
     "refresh.external_total|rto,refreshTotal refresh.external_time|rti,refreshTime "
     "refresh.listeners|rli,refreshListeners search.fetch_current|sfc,searchFetchCurrent "
     "search.fetch_time|sfti,searchFetchTime search.fetch_total|sfto,searchFetchTotal "
     "search.open_contexts|so,searchOpenContexts search.query_current|sqc,searchQueryCurrent "
     "search.query_time|sqti,searchQueryTime search.query_total|sqto,searchQueryTotal "
     "search.concurrent_query_current search.concurrent_query_time search.concurrent_query_total "
     "search.concurrent_avg_slice_count search.scroll_current|scc,searchScrollCurrent "
     "search.scroll_time|scti,searchScrollTime search.scroll_total|scto,searchScrollTotal "
     "search.point_in_time_current search.point_in_time_time search.point_in_time_total "
     "search.search_idle_reactivate_count_total segments.count|sc,segmentsCount "
     "segments.memory|sm,segmentsMemory "
     "segments.index_writer_memory|siwm,segmentsIndexWriterMemory "
     "segments.version_map_memory|svmm,segmentsVersionMapMemory "
     "segments.fixed_bitset_memory|sfbm,fixedBitsetMemory seq_no.max|sqm,maxSeqNo "
     "seq_no.local_checkpoint|sql,localCheckpoint seq_no.global_checkpoint|sqg,globalCheckpoint "
     "warmer.current|wc,warmerCurrent warmer.total|wto,warmerTotal "
     "warmer.total_time|wtt,warmerTotalTime path.data|pd,dataPath path.state|ps,statsPath "
     ""
     ""
     "#docs.deleted "},
    {"snapshots",
     "*id|snapshot *status|s *start_epoch|ste,startEpoch "
     "*start_time|sti,startTime *end_epoch|ete,endEpoch *end_time|eti,endTime #*duration|dur "
     "#*indices|i #*successful_shards|ss #*failed_shards|fs #*total_shards|ts reason|r "},
    {"tasks",
     "id *action|ac *task_id|ti *parent_task_id|pti *type|ty *start_time|start "
     "*timestamp|ts,hms,hhmmss running_time_ns *running_time|time node_id|ni *ip|i port|po "
     "*node|n version|v x_opaque_id|x description|desc "},
    {"templates",
     "*name|n *index_patterns|t *order|o,p *version|v *composed_of|c "},
    {"thread_pool",
     "*node_name|nn node_id|id ephemeral_node_id|eid pid|p host|h ip|i port|po *name|n type|t "
     "#*active|a #pool_size|psz #*queue|q #queue_size|qs #*rejected|r #largest|l #completed|c "
     "total_wait_time|twt #core|cr #max|mx #size|sz keep_alive|ka "},
};

// clang-format on

Column parse_column(std::string_view text) {
    Column out;
    if (text.starts_with('#')) {
        out.right = true;
        text.remove_prefix(1);
    }
    if (text.starts_with('*')) {
        out.shown = true;
        text.remove_prefix(1);
    }
    const std::size_t bar = std::min(text.find('|'), text.size());
    out.name = text.substr(0, bar);
    std::string_view rest = text.substr(std::min(bar + 1, text.size()));
    while (!rest.empty()) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        out.aliases.emplace_back(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return out;
}

std::vector<Column> parse_columns(std::string_view text) {
    std::vector<Column> out;
    while (!text.empty()) {
        const std::size_t space = std::min(text.find(' '), text.size());
        if (space > 0) {
            out.push_back(parse_column(text.substr(0, space)));
        }
        text.remove_prefix(std::min(space + 1, text.size()));
    }
    return out;
}

}  // namespace

const std::vector<Column>& columns_of(std::string_view table) {
    static const std::map<std::string_view, std::vector<Column>> kParsed = [] {
        std::map<std::string_view, std::vector<Column>> out;
        for (const TableText& one : kTables) {
            out[one.name] = parse_columns(one.columns);
        }
        return out;
    }();
    return kParsed.at(table);
}

}  // namespace kumo::api_elastic
