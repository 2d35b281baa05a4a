"""The closed words of the questions, in both languages, and what each means.

Words that name a tenant's own things (services, attributes, values, metrics) are not here: they come from the
catalogue (:mod:`airis_ray.search.catalog`), with the translations of :mod:`airis_ray.search.glosses`. Forms are
separated by commas; a Korean form is written without spaces and is found with or without them, an English one is
found in any of its plurals. ``~`` after a Korean form says that any verbal ending may follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final


@dataclass(frozen=True)
class Sense:
    """One meaning of a word: its class, and which of the class."""

    kind: str
    value: str


SIGNALS: Final = {
    "logs": "로그,로그들,로그메시지,메시지,기록,log,logs,log line,log lines,log message,log messages,log entries,"
    "log records,logged,logging,messages",
    "requests": "요청,요청들,호출건,호출량,api호출,api요청,트래픽,리퀘스트,처리량,콜수,request,requests,api call,api calls,"
    "traffic,calls,throughput,hits,reqs,req",
    "spans": "스팬,스팬들,트레이스,트레이스들,추적,span,spans,trace,traces,operations",
    "sessions": "세션,세션들,리플레이,세션리플레이,녹화,session,sessions,replay,replays,session replay,recordings",
    "metrics": "메트릭,메트릭들,지표,지표들,metric,metrics",
    "anomalies": "이상징후,이상현상,이상탐지,이상치,어노말리,이상점,anomaly,anomalies,outlier,outliers,abnormal,unusual,"
    "weird behaviour,weird behavior,anomalous",
    "incidents": "인시던트,장애목록,장애이력,장애들,incident,incidents,outages",
    "patterns": "로그패턴,패턴,패턴들,로그템플릿,템플릿,pattern,patterns,log pattern,log patterns,template,templates,"
    "log template,log templates",
    "map": "서비스맵,서비스지도,의존관계,의존성,호출관계,토폴로지,의존성그래프,연결관계,호출흐름,service map,dependency map,dependencies,"
    "dependency graph,topology,dependency,depends on,depend on,who calls,upstream,downstream,call graph,callers,"
    "callees,service graph,calls whom,talk to,talks to",
    "calls": "호출~,부르는,calling,called by,being called",
    "health": "현황,상태표,건강상태,개요,대시보드,overview,health,status of all,summary of services,dashboard,healthy",
    "cause": "근본원인,원인분석,원인,root cause,root causes,rca,cause,what caused,why did,why is,why are,why was,"
    "왜느려~,왜느린~,왜실패~,왜에러~,왜죽~,왜",
    "forecast": "예측,예측~,예상,전망,forecast,predict,prediction,project,projection,forecasted",
    "compare": "비교,비교~,대비,차이,달라졌~,달라진,다른점,뭐가다른,무엇이다른,뭐가달라~,compare,compared,comparison,difference,"
    "differences,differ,versus,vs,different,diff,what distinguishes,what changed,in contrast",
    "similar": "비슷~,유사~,similar,similar to,like this,resembling,resemble,alike",
    "rules": "알림규칙,경보규칙,알람규칙,규칙목록,알림룰,alert rules,alerting rules,alert rule",
    "channels": "알림채널,통지채널,notification channels,notification channel",
    "fields": "속성목록,속성들,어떤속성,필드목록,필드들,어떤필드,어트리뷰트,무슨속성,무슨필드,attributes,fields,attribute keys,facets,"
    "which attributes,which fields,what attributes,what fields",
    "values": "값들,값목록,어떤값,무슨값,값의종류,종류,values,distinct values,possible values",
    "table": "표,한표,표로,테이블,table,one table,single table,as a table,in a table,as one table,in one table,"
    "side by side",
    "services": "서비스,서비스들,마이크로서비스,service,services,svc,microservice,microservices",
}

MEASURES: Final = {
    "count": "건수,개수,갯수,횟수,수,몇건,몇개,몇번,몇회,총건수,총개수,합계건수,몇건이나,몇번이나,얼마나자주,카운트,요청수,호출수,로그수,에러수,오류수,"
    "how many,number of,count,counts,count of,volume,total number,the number,how often,howmany,amount of requests",
    "rate": "초당,초당건수,tps,rps,qps,per second,a second,each second,requests per second,rate of",
    "error_rate": "에러율,오류율,실패율,에러비율,오류비율,실패비율,에러레이트,실패확률,error rate,error rates,failure rate,failure rates,"
    "error ratio,failure ratio,error percentage,percent of errors,percentage of errors,share of errors,"
    "share of failed,errors rate",
    "avg": "평균,평균값,평균적,avg,average,mean,on average,averaged",
    "max": "최대,최댓값,최대값,최고치,최고값,맥스,피크,max,maximum,peak,max of,worst",
    "min": "최소,최솟값,최소값,최저치,min,minimum",
    "sum": "합계,총합,총액,합산,합,총,누적,합쳐서,다합쳐,sum,total,sum of,in total,overall,altogether,cumulative",
    "uniq": "순,고유,유니크,중복없이,중복제거,서로다른,중복뺀,중복제외~,unique,distinct,different users,uniq",
    "p50": "중앙값,중위값,중간값,median,the median",
}

DURATION_WORDS: Final = (
    "응답시간,응답속도,응답지연,지연시간,지연,레이턴시,소요시간,처리시간,걸린시간,수행시간,실행시간,걸리는시간,대기시간,"
    "latency,latencies,response time,response times,duration,durations,took,elapsed,time taken,latency of,"
    "processing time,응답이,걸린,걸리는,레이턴시가,속도"
)

LEVELS: Final = {
    "trace": "trace level,트레이스레벨",
    "debug": "디버그,debug,debugs",
    "info": "인포,정보성,정보레벨,info,infos,informational,information",
    "warn": "경고,워닝,워닌,주의,warn,warning,warnings,warns",
    "error": "에러,오류,애러,에라,에러들,오류들,error,errors,erroring,err,errs",
    "fatal": "치명,치명적,페이탈,심각,크리티컬,치명적인,fatal,fatals,critical,crit",
}

STATUS: Final = {
    "error": "실패,실패~,에러난~,에러난,오류난,에러가난,오류가난,에러나~,터진,깨진,망한,장애난,죽은,fail,failed,failing,failure,failures,"
    "fails,erroneous,errored,unsuccessful,broken,went wrong",
    "ok": "성공,성공~,정상,정상적,정상처리,성공적,successful,success,succeeded,succeed,successes,ok,healthy requests",
}

COMPARE: Final = {
    ">": "넘는,넘은,넘긴,넘어간,넘어~,넘게,넘~,초과,초과~,보다큰,보다많은,보다느린,보다긴,보다오래,보다높은,보다크~,웃도는,over,above,more than,greater than,"
    "longer than,slower than,exceeding,exceeds,exceed,higher than,larger than,bigger than,exceeded,beyond,"
    "taking over,taking more than,took more than,took over,took longer than,>,in excess of,upwards of",
    ">=": "이상,이상~,부터그위,at least,no less than,not less than,or more,and above,or above,and up,and higher,or higher,"
    "or slower,or longer,minimum of,>=,≥,and worse,or worse,not under,not below",
    "<": "미만,미만~,보다작은,보다적은,보다빠른,보다짧은,보다낮은,보다작~,안되는,안넘는,못미치는,under,below,less than,fewer than,"
    "shorter than,faster than,smaller than,lower than,quicker than,<",
    "<=": "이하,이하~,at most,no more than,not more than,or less,or fewer,and below,or below,or lower,or faster,"
    "maximum of,<=,≤,up to,not over,not above,and under,or under",
    "=": "정확히,같은,딱,exactly,equal to,equals,equal,=,==",
}

NEGATION: Final = (
    "빼고,빼~,뺀,말고,말고는,제외,제외~,제외하고,제외한,아닌,아니고,아니라,없이,없는,외에,외의,이외,제외하면,아닌것,무시하고,뺴고,"
    "except,except for,excluding,exclude,without,not,other than,but not,apart from,aside from,minus,ignoring,"
    "ignore,besides,not in,not from,isn't,aren't,non,everything but,anything but,leaving out,no"
)
EVERY: Final = "전체,모든,전부,모두,다,모조리,all,every,everything,any,entire,whole,overall"
GROUPS_AFTER: Final = "별,별로,마다,기준으로나눠~,당,별로묶~,별로나눠~,별로집계~"
GROUPS_BEFORE: Final = (
    "by,per,for each,for every,grouped by,group by,broken down by,split by,across,each,breakdown by,"
    "by each,segmented by,according to,sliced by,partitioned by,per each"
)
ORDERS: Final = {
    "slowest": "느린,느렸~,느린순,느린거,느려~,오래걸린,오래걸리~,제일긴,가장긴,느린것,slowest,slow,longest,sluggish,slower,long running,"
    "takes longest,longest running",
    "fastest": "빠른,빨랐~,빠른순,fastest,quickest,shortest,fast",
    "most": "많은,많았~,많이,많은순,많은순서,most,the most,most frequent,most common,busiest,biggest,heaviest,most often,noisiest",
    "highest": "높은,높았~,높은순,큰,컸~,큰순,비싼,highest,largest,greatest,most expensive,expensive,priciest",
    "lowest": "낮은,적은,작은,lowest,smallest,fewest,least,cheapest",
    "latest": "최신순,최신,최신순으로,최근순,최신것,최신거,마지막,방금,newest,latest,most recent,recent first,newest first,"
    "latest first,most recent first,in reverse order,descending",
    "oldest": "오래된순,오래된,과거순,시간순,시간순으로,시간순서대로,먼저,오래된것부터,oldest,earliest,first first,oldest first,chronological,"
    "chronologically,in order,ascending,in time order,earliest first,in chronological order",
}
SUPERLATIVE: Final = "제일,가장,최고로,젤,상위,탑,톱,top,the top,worst"
TREND: Final = (
    "추이,추세,그래프,시계열,변화,흐름,시간에따른,시간대별,차트,트렌드,over time,trend,trends,graph,chart,time series,timeseries,plot,"
    "timeline,development,evolution,history of"
)
WHICH: Final = "어느,어떤,어디,어디야,무엇,뭐,뭐야,뭐가,무슨,누가,which,what,who,where"
CONTAINS: Final = (
    "포함,포함~,들어간,들어있~,들어~,나온,나오~,찍힌,찍힌거,찍혔~,적힌,뜬,담긴,남긴,남은,언급된,언급~,있는,containing,contain,contains,"
    "with,mentioning,mention,mentions,including,include,includes,saying,says,that say,matching,match,about,"
    "w/,having,has,have,having text,that mention,said,with text,with the text,the text,text,the phrase,phrase,"
    "the word,라는,이라는,이란,라고,문구,단어,텍스트,관련,관련된,뜨~"
)
NEAR_NAME: Final = "쪽,측,에서,로부터,from,in,of,on,at,for,inside,within,to,through,against,via"
"""Words beside which a name of a thing is expected: one that is nobody's is then not understood."""

FILLER: Final = (
    "보여~,보여,보여주~,알려~,알려주~,뽑아~,뽑~,찾아~,찾~,조회,조회~,검색,검색~,확인,확인~,가져와~,가져~,출력,출력~,나열,나열~,정리,정리~,집계,집계~,"
    "계산,계산~,구해~,구하~,말해~,봐~,볼~,봅시다,보고~,보자,열어~,열~,띄워~,그려~,요약,요약~,궁금~,좀,좀만,만,그리고,또는,중,중에,중에서,가운데,"
    "혹시,있나~,있었~,있어~,있~,거,것,거만,것만,것들,꺼,건,난,나는,났~,생긴,발생,발생~,발생한,일어난,기록된,대해,대한,대해서,관해,관한,위한,"
    "정도,쯤,쯤에,경,기준,기준으로,으로,단위로,목록,리스트,데이터,결과,내역,전반,현재,지금,우리,저희,제발,부탁~,부탁드~,주세요,줘,줄래,해줘,해주~,"
    "싶~,싶어,원해~,원하~,필요~,하고,하는,하다,하다가,하려~,한,했~,된,되~,됐~,인,인지,이고,이며,이면,일때,경우,경우만,때,동안,동안의,사이,사이에,"
    "받은,받는,보낸,보내온,들어온,처리한,처리된,처리~,처리,응답한,응답~,응답,실행된,실행,얼마,얼마나,얼마야,얼마였~,얼마인지,몇,몇이야,명,명이야,건,개,번,회,개만,건만,"
    "줄,개씩,뭐가있~,뭐있~,뭐뭐,뭐뭐있는지,어때~,어떻~,어떻게,되는지,돼~,되나~,순,순으로,순서,순서로,순서대로,내림차순,오름차순,각각,각,각자,서비스의,"
    "전체의,쪽에서,쪽의,같이,함께,둘다,이거,저거,그거,그,이,저,이런,그런,저런,"
    "show,show me,list,give me,give,get,get me,fetch,find,find me,display,pull,pull up,pull out,see,look at,look up,"
    "look for,tell me,tell,i want,i want to see,i need,i'd like,i would like,want,need,let me see,let's see,can you,could you,"
    "would you,please,pls,plz,help me,what is,what's,what are,what was,what were,what did,whats,was,were,is,are,be,been,being,did,do,"
    "does,done,how is,how are,how was,how's,the,a,an,and,or,of,in,on,at,to,for,from,that,which,who,whose,there,there were,there are,there is,"
    "were there,are there,is there,any,some,me,us,my,our,we,we have,you,it,its,this,these,those,them,they,i,have,had,has,"
    "having,gave,given,returned,returning,return,got,getting,went,happened,occurred,occurring,seen,saw,came,coming,"
    "sent,received,served,handled,processed,answered,responded,with,only,just,also,then,so,as,but,by,one,ones,thing,things,"
    "data,results,result,entries,events,rows,records,items only,search,query,check,open,view,print,looking,hey,hi,thanks,"
    "thank you,right,now,right now,currently,current,during,while,when,where,how,much,how much,value,values of,ms,"
    "worth,altogether,per,went over,made,make,making,placed by,hitting,hit,written,emitted,produced,occured,run,running,"
    "first,sorted,sort,sorted by,order,ordered,ordered by,ranked,ranked by,ranking,rank,level,severity,레벨,수준,등급의,랭킹,순위,"
    "stuff,everything,around,about,up,into,out,off,if,no more,per service table,along,together,including,both,either,"
    "please show,status,statuses,코드,code,response,responses,client,server,name,이름,이름이,종류별,조건,조건의,관련해서,따라,따른,따라서,"
    "기간,기간의,시간,시간의,시점,시점의,오래,자주,얼마만에,단,단지,오직,제가,내가,나,내,너,네,건지,건가~,거야,건가요,니,나요,인가요,인가,일까,이었~,였~,이야,야,이니,"
    "입니다,까요,한번,한번만,번만,바로,빨리,당장,다시,빠르게,자세히,상세,상세히,상세하게,간단히,간단하게,쫙,쭉,죄다,도,들,들의,들만,으로만,서,에,의,을,를,은,는,가,와,과,랑,이랑,로"
)

ACTIONS: Final = (
    "재시작,재시작~,재기동,재기동~,껐다켜~,꺼줘,켜줘,삭제,삭제~,지워~,지우~,배포해~,롤백,롤백~,되돌려~,스케일,늘려~,늘리~,줄여~,줄이~,고쳐~,고치~,수정해~,"
    "변경해~,바꿔~,보내줘,보내주~,보내~,전송해~,전송~,만들어~,생성해~,등록해~,추가해~,알람걸~,알림걸~,걸어줘,설치~,중지~,중지,종료~,멈춰~,메일보내~,공유해~,예약~,실행해~,"
    "restart,reboot,delete,remove,drop,deploy it,redeploy,rollback,roll back,scale,scale up,scale down,kill,stop,start,send,email me,mail me,"
    "notify,page me,create,add,set up,setup,configure,fix,repair,resolve,change,update,upgrade,install,disable,enable,"
    "turn off,turn on,schedule,share,post,silence,acknowledge,ack,assign,increase,decrease,deploy,write a,translate,book,order me,buy"
)

UNITS_OF_SPANS: Final = {
    "database": "디비,데이터베이스,db호출,db쿼리,쿼리,쿼리들,db작업,db,database,database calls,database queries,db query,db queries,"
    "db calls,sql queries,queries,query spans,db spans",
    "consumer": "컨슈머스팬,consumer spans,메시지소비,consumer span",
    "producer": "프로듀서스팬,producer spans,producer span",
    "client": "클라이언트스팬,아웃바운드,client spans,outgoing calls,outbound calls,client span,outgoing requests",
    "server": "서버스팬,인바운드,server spans,incoming requests,inbound,server span",
    "internal": "내부스팬,internal spans,internal span",
}

SESSION_FIELDS: Final = {
    "rage_clicks": "레이지클릭,분노클릭,분노의클릭,rage click,rage clicks,rageclick,rageclicks,연타",
    "dead_clicks": "데드클릭,죽은클릭,무반응클릭,dead click,dead clicks,deadclicks",
    "console_errors": "콘솔에러,콘솔오류,console error,console errors",
    "clicks": "클릭,클릭수,click,clicks",
    "pages": "페이지,페이지수,페이지뷰,pages,page views,pageviews,page",
    "errors": "js에러,자바스크립트에러,javascript errors,js errors,자바스크립트오류",
    "duration": "세션길이,세션시간,session length,session duration,length",
}

_CLASSES: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("signal", SIGNALS),
    ("measure", MEASURES),
    ("level", LEVELS),
    ("status", STATUS),
    ("compare", COMPARE),
    ("order", ORDERS),
    ("kind", UNITS_OF_SPANS),
    ("session", SESSION_FIELDS),
    ("duration", {"duration": DURATION_WORDS}),
    ("not", {"not": NEGATION}),
    ("every", {"every": EVERY}),
    ("group", {"after": GROUPS_AFTER, "before": GROUPS_BEFORE}),
    ("superlative", {"top": SUPERLATIVE}),
    ("trend", {"trend": TREND}),
    ("which", {"which": WHICH}),
    ("contains", {"contains": CONTAINS}),
    ("near", {"near": NEAR_NAME}),
    ("filler", {"filler": FILLER}),
    ("action", {"action": ACTIONS}),
)


@cache
def senses() -> dict[str, tuple[Sense, ...]]:
    """Form → its senses; Korean forms without spaces, ``~`` kept off."""
    found: dict[str, list[Sense]] = {}
    for kind, values in _CLASSES:
        for value, forms in values.items():
            for form in forms.split(","):
                sense = Sense(kind, value)
                known = found.setdefault(form.strip().removesuffix("~"), [])
                if sense not in known:
                    known.append(sense)
    return {form: tuple(each) for form, each in found.items() if form}


@cache
def inflected() -> frozenset[str]:
    """The Korean forms that any verbal ending may follow."""
    return frozenset(
        form.strip().removesuffix("~")
        for _, values in _CLASSES
        for forms in values.values()
        for form in forms.split(",")
        if form.strip().endswith("~")
    )


@cache
def longest_english() -> int:
    """Words of the longest English form."""
    return max(len(form.split()) for form in senses() if form.isascii())
